/* report.c - findings kept in a growing array; memory is the only thing that
 * can go wrong, and then the program stops. */
#include "trust/report.h"
#include "base/removal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name, *text;
} checks[] = {
#define TRUST_CHECK(id, name, text) {name, text},
#include "trust/checks.def"
#undef TRUST_CHECK
};

const char *trust_check_name(enum trust_check_id id)
{
    return (unsigned)id < TRUST_CHECK_COUNT ? checks[id].name : "?";
}

const char *trust_check_text(enum trust_check_id id)
{
    return (unsigned)id < TRUST_CHECK_COUNT ? checks[id].text : "?";
}

void trust_report_init(struct trust_report *r) { *r = (struct trust_report){0}; }

void trust_report_fini(struct trust_report *r)
{
    free(r->items);
    trust_report_init(r);
}

void trust_report_subject(struct trust_report *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(r->subject, sizeof r->subject, fmt, ap);
    va_end(ap);
}

static struct trust_finding *add(struct trust_report *r, enum trust_check_id id,
                                 enum trust_outcome outcome)
{
    if (r->count == r->room) {
        r->room = r->room ? 2 * r->room : 64;
        assert(r->room <= TRUST_MAX_FINDINGS);
        r->items = realloc(r->items, r->room * sizeof *r->items);
        if (!r->items) qr_fatal("out of memory");
    }
    struct trust_finding *f = &r->items[r->count++];
    *f = (struct trust_finding){.id = id, .outcome = outcome};
    qr_copy(f->subject, r->subject, sizeof f->subject);
    return f;
}

QR_PRINTF(2, 0)
/* Details quote what others wrote: only printable ASCII goes on to terminals
 * and into JSON. */
static void set_detail(struct trust_finding *f, const char *fmt, va_list ap)
{
    if (fmt) (void)vsnprintf(f->detail, sizeof f->detail, fmt, ap);
    for (char *p = f->detail; *p; p++)
        if (*p < 0x20 || *p > 0x7e) *p = '?';
}

QR_PRINTF(4, 0)
static enum qr_rc fail(struct trust_report *r, enum trust_check_id id, enum qr_rc rc,
                       const char *fmt, va_list ap)
{
    assert(rc != QR_OK);
    set_detail(add(r, id, TRUST_FAIL), fmt, ap);
    if (r->failed == 0) {
        r->failed = r->count;
        r->rc = rc;
    }
    return rc;
}

/* A check made in two steps is one finding. */
void trust_pass(struct trust_report *r, enum trust_check_id id)
{
    const struct trust_finding *last = r->count > 0 ? &r->items[r->count - 1] : NULL;
    if (last && last->id == id && last->outcome == TRUST_PASS &&
        qr_bytes_is(qr_str(last->subject), r->subject))
        return;
    (void)add(r, id, TRUST_PASS);
}

/* One check's finding: passed when it holds, or when it is taken out. */
QR_PRINTF(5, 0)
static enum qr_rc judge(struct trust_report *r, enum trust_check_id id, bool ok, enum qr_rc rc,
                        const char *fmt, va_list ap)
{
    if (!ok && !qr_removed(trust_check_name(id))) return fail(r, id, rc, fmt, ap);
    trust_pass(r, id);
    return QR_OK;
}

enum qr_rc trust_fail(struct trust_report *r, enum trust_check_id id, enum qr_rc rc,
                      const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    rc = judge(r, id, false, rc, fmt, ap);
    va_end(ap);
    return rc;
}

enum qr_rc trust_stop(struct trust_report *r, enum trust_check_id id, enum qr_rc rc,
                      const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)fail(r, id, rc, fmt, ap);
    va_end(ap);
    return rc;
}

void trust_skip(struct trust_report *r, enum trust_check_id id, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set_detail(add(r, id, TRUST_SKIP), fmt, ap);
    va_end(ap);
}

enum qr_rc trust_check(struct trust_report *r, enum trust_check_id id, bool ok, enum qr_rc rc,
                       const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    rc = judge(r, id, ok, rc, fmt, ap);
    va_end(ap);
    return rc;
}

enum qr_rc trust_result(struct trust_report *r, enum trust_check_id id, enum qr_rc rc,
                        const struct qr_err *err)
{
    if (rc == QR_OK) {
        trust_pass(r, id);
        return QR_OK;
    }
    return trust_fail(r, id, rc, "%s", err && err->text[0] ? err->text : qr_rc_text(rc));
}

const struct trust_finding *trust_report_first(const struct trust_report *r)
{
    return r->failed ? &r->items[r->failed - 1] : NULL;
}

enum qr_rc trust_report_err(const struct trust_report *r, struct qr_err *err)
{
    const struct trust_finding *f = trust_report_first(r);
    if (!f) return QR_OK;
    return qr_fail(err, r->rc, "%s%s%s%s: %s", trust_check_name(f->id), f->subject[0] ? " (" : "",
                   f->subject, f->subject[0] ? ")" : "",
                   f->detail[0] ? f->detail : trust_check_text(f->id));
}

static const char *outcome_name(enum trust_outcome o)
{
    return o == TRUST_PASS ? "pass" : o == TRUST_FAIL ? "fail" : "skipped";
}

json_t *trust_report_json(const struct trust_report *r)
{
    json_t *a = qr_json_array();
    for (size_t i = 0; i < r->count; i++) {
        json_t *o = qr_json_object();
        qr_json_set_str(o, "check", trust_check_name(r->items[i].id));
        qr_json_set_str(o, "detail", r->items[i].detail);
        qr_json_set_str(o, "outcome", outcome_name(r->items[i].outcome));
        qr_json_set_str(o, "subject", r->items[i].subject);
        qr_json_add(a, o);
    }
    return a;
}

void trust_report_text(const struct trust_report *r, struct qr_buf *out)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct trust_finding *f = &r->items[i];
        qr_buf_printf(out, "%-7s %s", outcome_name(f->outcome), trust_check_name(f->id));
        if (f->subject[0]) qr_buf_printf(out, " (%s)", f->subject);
        qr_buf_printf(out, ": %s\n", f->detail[0] ? f->detail : trust_check_text(f->id));
    }
}
