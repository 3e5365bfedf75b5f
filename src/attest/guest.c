/* guest.c - /dev/sev-guest.
 *
 * The structures are written by offset, as the driver's are fixed: 32 bytes
 * around each request, 96 for a report, 112 with certificates, 32 for a key. */
#include "attest/guest.h"

#include "base/secret.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define GET_REPORT 0xc0205300u
#define GET_DERIVED_KEY 0xc0205301u
#define GET_EXT_REPORT 0xc0205302u
#define REPORT_REQUEST 96
#define EXT_REQUEST 112
#define KEY_REQUEST 32
#define REPORT_RESPONSE 4000
#define KEY_RESPONSE 64
#define RESPONSE_HEAD 32
#define VMM_LENGTH 1u
#define VMM_BUSY 2u
#define NO_FIRMWARE 0xffu /* exitinfo2: the firmware was not asked */
#define PAGE 4096
/* As long as current drivers wait themselves. */
#define BUSY_PAUSE_US (2 * 1000000LL)
#define BUSY_TRIES 30

struct request_head {
    uint8_t msg_version;
    uint8_t unused[7];
    uint64_t request, response, exitinfo2;
};
_Static_assert(sizeof(struct request_head) == 32, "as the driver's");

struct sev {
    struct attest_kernel kernel;
    int fd;
    uint32_t level;
    bool table;
    struct qr_err dead; /* why, once it is */
    uint8_t *certs;     /* ATTEST_TABLE_MAX on a page border */
};

void attest_answer_fini(struct attest_answer *a) { qr_buf_fini(&a->table); }

static enum qr_rc is_dead(const struct sev *g, struct qr_err *err)
{
    return qr_fail(err, QR_ATTESTATION, "%s", g->dead.text);
}

static enum qr_rc die(struct sev *g, struct qr_err *err, const char *why, uint64_t detail)
{
    (void)qr_fail(&g->dead, QR_ATTESTATION,
                  ATTEST_SEV_PATH ": %s (%#llx): node-fatal, no reports until the guest restarts",
                  why, (unsigned long long)detail);
    return is_dead(g, err);
}

/* One message and its bytes, which stay the same however often it is sent. */
struct message {
    unsigned long code;
    const uint8_t *request;
    size_t request_n;
    uint8_t *response;
    size_t response_n;
};

/* What a failed call means. */
static enum qr_rc judge_failure(struct sev *g, int error, uint64_t info, struct qr_err *err)
{
    bool asked = info != 0 && info != NO_FIRMWARE;
    if (error == EIO && info >> 32 == VMM_LENGTH) return QR_EXHAUSTED;
    if (!asked && error == ENOMEM) return qr_fail(err, QR_NOMEM, ATTEST_SEV_PATH ": out of memory");
    if (!asked && (error == EINVAL || error == EFAULT))
        return qr_fail(err, QR_IO, ATTEST_SEV_PATH ": the driver does not take the request (%d)",
                       error);
    if (error == ENOTTY) return die(g, err, "the key of this guest's messages is gone", info);
    if (error == ETIMEDOUT || info >> 32 == VMM_BUSY || error == EINTR || error == EAGAIN)
        return die(g, err, "the host was busy for a minute", info);
    return die(g, err, "the request failed with an unknown outcome", info ? info : (uint64_t)error);
}

/* Sends m.  QR_EXHAUSTED: the certificates need more room; the driver has
 * ended that message in good order. */
static enum qr_rc send_message(struct sev *g, const struct message *m, struct qr_err *err)
{
    uint8_t request[EXT_REQUEST];
    if (g->dead.text[0]) return is_dead(g, err);
    for (int tries = 0;; tries++) {
        struct request_head h = {.msg_version = 1,
                                 .request = (uint64_t)(uintptr_t)request,
                                 .response = (uint64_t)(uintptr_t)m->response};
        qr_copy(request, m->request, m->request_n);
        qr_zero(m->response, m->response_n);
        int rc = g->kernel.ioctl(g->kernel.ctx, g->fd, m->code, &h);
        if (rc == 0 && h.exitinfo2 == 0) return QR_OK;
        int error = rc == 0 ? EIO : -rc;
        bool busy = error == EIO && h.exitinfo2 >> 32 == VMM_BUSY;
        if ((!busy && error != EINTR && error != EAGAIN) || tries == BUSY_TRIES)
            return judge_failure(g, error, h.exitinfo2, err);
        g->kernel.pause(g->kernel.ctx, BUSY_PAUSE_US);
    }
}

static enum qr_rc take_report(struct sev *g, const uint8_t response[REPORT_RESPONSE],
                              const uint8_t data[ATTEST_REPORT_DATA_SIZE],
                              struct attest_answer *out, struct qr_err *err)
{
    uint32_t status = qr_get_le32(response), size = qr_get_le32(response + 4);
    if (status != 0)
        return qr_fail(err, QR_RANGE, ATTEST_SEV_PATH ": the firmware refuses, status %#x", status);
    if (size != ATTEST_REPORT_SIZE) return die(g, err, "a report of another size", size);
    qr_copy(out->report, response + RESPONSE_HEAD, ATTEST_REPORT_SIZE);
    if (!qr_equal_ct(out->report + 0x50, data, ATTEST_REPORT_DATA_SIZE))
        return die(g, err, "a report about something else", 0);
    return QR_OK;
}

static enum qr_rc sev_report(void *ctx, const uint8_t data[ATTEST_REPORT_DATA_SIZE],
                             struct attest_answer *out, struct qr_err *err)
{
    struct sev *g = ctx;
    uint8_t request[EXT_REQUEST] = {0}, response[REPORT_RESPONSE];
    struct message m = {.code = GET_EXT_REPORT,
                        .request = request,
                        .request_n = EXT_REQUEST,
                        .response = response,
                        .response_n = sizeof response};
    qr_buf_init(&out->table, ATTEST_TABLE_MAX);
    qr_copy(request, data, ATTEST_REPORT_DATA_SIZE);
    qr_set_le32(request + 64, g->level);
    enum qr_rc rc = QR_EXHAUSTED;
    if (g->table) {
        uint64_t address = (uint64_t)(uintptr_t)g->certs;
        qr_set_le32(request + 96, (uint32_t)address);
        qr_set_le32(request + 100, (uint32_t)(address >> 32));
        qr_set_le32(request + 104, ATTEST_TABLE_MAX);
        qr_zero(g->certs, ATTEST_TABLE_MAX);
        rc = send_message(g, &m, err);
    }
    if (rc == QR_EXHAUSTED) {
        g->table = false;
        m.code = GET_REPORT;
        m.request_n = REPORT_REQUEST;
        rc = send_message(g, &m, err);
    }
    if (rc == QR_OK) rc = take_report(g, response, data, out, err);
    if (rc == QR_OK && g->table) {
        qr_buf_put(&out->table, g->certs, ATTEST_TABLE_MAX);
        rc = qr_buf_ok(&out->table);
    }
    if (rc != QR_OK) attest_answer_fini(out);
    return rc;
}

static enum qr_rc sev_key(void *ctx, const struct attest_key_mix *mix,
                          uint8_t out[ATTEST_DERIVED_SIZE], struct qr_err *err)
{
    struct sev *g = ctx;
    uint8_t request[KEY_REQUEST] = {0}, response[KEY_RESPONSE];
    struct message m = {.code = GET_DERIVED_KEY,
                        .request = request,
                        .request_n = KEY_REQUEST,
                        .response = response,
                        .response_n = sizeof response};
    qr_set_le32(request, mix->root);
    qr_set_le32(request + 8, (uint32_t)mix->fields);
    qr_set_le32(request + 12, (uint32_t)(mix->fields >> 32));
    qr_set_le32(request + 16, mix->vmpl);
    qr_set_le32(request + 20, mix->guest_svn);
    qr_set_le32(request + 24, (uint32_t)mix->tcb);
    qr_set_le32(request + 28, (uint32_t)(mix->tcb >> 32));
    enum qr_rc rc = send_message(g, &m, err);
    if (rc == QR_EXHAUSTED) rc = die(g, err, "an answer that no key has", 0);
    if (rc == QR_OK && qr_get_le32(response) != 0)
        rc =
            qr_fail(err, QR_RANGE, ATTEST_SEV_PATH ": the firmware derives no such key, status %#x",
                    qr_get_le32(response));
    if (rc == QR_OK) qr_copy(out, response + RESPONSE_HEAD, ATTEST_DERIVED_SIZE);
    qr_wipe(response, sizeof response);
    return rc;
}

static bool sev_dead(void *ctx)
{
    const struct sev *g = ctx;
    return g->dead.text[0] != 0;
}

static void sev_close(void *ctx)
{
    struct sev *g = ctx;
    if (g->fd >= 0) g->kernel.close(g->kernel.ctx, g->fd);
    free(g->certs);
    free(g);
}

enum qr_rc attest_guest_sev(const struct attest_kernel *kernel, int level, bool table,
                            struct attest_guest *out, struct qr_err *err)
{
    *out = (struct attest_guest){.ctx = NULL};
    if (level > 3) return qr_fail(err, QR_RANGE, "a privilege level is 0 to 3");
    int fd = kernel->open(kernel->ctx, ATTEST_SEV_PATH, O_RDWR);
    if (fd == -EACCES || fd == -EPERM)
        return qr_fail(err, QR_PERMS, ATTEST_SEV_PATH ": not for this user");
    if (fd < 0)
        return qr_fail(err, QR_NODEVICE,
                       ATTEST_SEV_PATH ": not there: this is no SEV-SNP guest, or the module "
                                       "sev-guest is not loaded (%d)",
                       -fd);
    struct sev *g = calloc(1, sizeof *g);
    if (!g) {
        kernel->close(kernel->ctx, fd);
        return QR_NOMEM;
    }
    g->kernel = *kernel;
    g->fd = fd;
    g->level = level == ATTEST_LEVEL_ANY ? 0 : (uint32_t)level;
    g->table = table;
    g->certs = aligned_alloc(PAGE, ATTEST_TABLE_MAX);
    if (!g->certs) {
        sev_close(g);
        return QR_NOMEM;
    }
    *out = (struct attest_guest){.report = sev_report,
                                 .key = sev_key,
                                 .dead = sev_dead,
                                 .close = sev_close,
                                 .name = "sev-guest",
                                 .ctx = g};
    return QR_OK;
}
