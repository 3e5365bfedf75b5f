/* store.c - see store.h.
 *
 * Order of writes: the key file, then the row; when erasing, the key file, then
 * the row.  So a crash between leaves a key without a share, or a row that opens
 * no more, which counts as none. */
#include "participant/store.h"

#include "base/file.h"
#include "db/db.h"

#include "schema/participant-001.sql.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define APP_ID 0x51525041u
#define KEY_FILE_MAX 32768
#define SEAL_NAME "share.key"
#define CLEAR "quorate.share-key/1 " /* and the key in hex: a key alone could look like a box */
enum { MOST = 64 };

static const struct qr_db_script scripts[] = {{1, schema_participant_001}};

struct share_store {
    char dir[PATH_MAX];
    struct attest_sealer *sealer;
    struct qr_rand rand;
    struct qr_db *db;
};

enum qr_rc share_store_open(struct share_store **out, const struct share_store_conf *conf,
                            struct qr_err *err)
{
    char path[PATH_MAX];
    QR_TRY(qr_dir_private(conf->dir, err));
    int n = snprintf(path, sizeof path, "%s/shares.db", conf->dir);
    if (n < 0 || (size_t)n >= sizeof path) return qr_fail(err, QR_RANGE, "path too long");
    struct share_store *s = calloc(1, sizeof *s);
    if (!s) return qr_fail(err, QR_NOMEM, "out of memory");
    (void)snprintf(s->dir, sizeof s->dir, "%s", conf->dir);
    s->sealer = conf->sealer;
    s->rand = conf->rand;
    const struct qr_db_conf db = {.path = path,
                                  .create = !qr_file_exists(path),
                                  .app_id = APP_ID,
                                  .scripts = scripts,
                                  .script_count = sizeof scripts / sizeof scripts[0]};
    enum qr_rc rc = qr_db_open(&s->db, &db, err);
    if (rc != QR_OK) {
        free(s);
        return rc;
    }
    *out = s;
    return QR_OK;
}

void share_store_close(struct share_store *s)
{
    if (!s) return;
    qr_db_close(s->db);
    free(s);
}

/* ---- key files ---- */

/* The first half of a SHA-512 names it well enough. */
static void key_path(const struct share_store *s, const uint8_t *digest, char out[PATH_MAX])
{
    char hex[2 * 32 + 1];
    qr_hex(digest, 32, hex);
    if (snprintf(out, PATH_MAX, "%s/%s.key", s->dir, hex) >= PATH_MAX) out[0] = 0;
}

static enum qr_rc key_make(struct share_store *s, const uint8_t *digest,
                           uint8_t key[STANDING_KEY_SIZE], struct qr_err *err)
{
    char path[PATH_MAX];
    struct qr_buf box;
    key_path(s, digest, path);
    qr_rand_fill(&s->rand, key, STANDING_KEY_SIZE);
    struct qr_bytes plain = QR_BYTES(key, STANDING_KEY_SIZE);
    enum qr_rc rc = QR_OK;
    qr_buf_init(&box, KEY_FILE_MAX);
    if (s->sealer) {
        rc = attest_seal(s->sealer, qr_str(SEAL_NAME), plain, &box, err);
    } else {
        qr_buf_put_str(&box, CLEAR);
        qr_buf_put_hex(&box, plain);
        rc = qr_buf_ok(&box);
    }
    if (rc == QR_OK) rc = qr_file_write(path, qr_buf_bytes(&box), 0600, err);
    qr_wipe(box.p, box.n);
    qr_buf_fini(&box);
    return rc;
}

static enum qr_rc key_clear(struct qr_bytes held, uint8_t key[STANDING_KEY_SIZE],
                            struct qr_err *err)
{
    const size_t head = sizeof CLEAR - 1;
    if (held.n < head || !qr_bytes_equal(QR_BYTES(held.p, head), qr_str(CLEAR)) ||
        qr_unhex(QR_BYTES(held.p + head, held.n - head), key, STANDING_KEY_SIZE) != QR_OK)
        return qr_fail(err, QR_FALSE, "the key file of a share is damaged");
    return QR_OK;
}

/* As SEAL says, and no other way. */
static enum qr_rc key_open(struct share_store *s, struct qr_bytes held,
                           uint8_t key[STANDING_KEY_SIZE], struct qr_err *err)
{
    bool stale = false, sealed = attest_is_sealed(held);
    struct qr_buf plain;
    if (!s->sealer && sealed)
        return qr_fail(err, QR_POLICY, "the share is sealed, and SEAL is off");
    if (!s->sealer) return key_clear(held, key, err);
    if (!sealed) return qr_fail(err, QR_POLICY, "the share is not sealed as SEAL demands");
    qr_buf_init(&plain, ATTEST_SEAL_PLAIN_MAX);
    enum qr_rc rc = attest_unseal(s->sealer, qr_str(SEAL_NAME), held, &plain, &stale, err);
    if (rc == QR_OK && plain.n != STANDING_KEY_SIZE)
        rc = qr_fail(err, QR_FALSE, "the key file of a share is damaged");
    if (rc == QR_OK) qr_copy(key, plain.p, STANDING_KEY_SIZE);
    qr_wipe(plain.p, plain.n);
    qr_buf_fini(&plain);
    return rc;
}

static enum qr_rc key_load(struct share_store *s, const uint8_t *digest,
                           uint8_t key[STANDING_KEY_SIZE], struct qr_err *err)
{
    char path[PATH_MAX];
    struct qr_buf file;
    key_path(s, digest, path);
    if (!qr_file_exists(path)) return qr_fail(err, QR_NOTFOUND, "the share was erased");
    qr_buf_init(&file, KEY_FILE_MAX);
    enum qr_rc rc = qr_file_read_private(path, &file, err);
    if (rc == QR_OK) rc = key_open(s, qr_buf_bytes(&file), key, err);
    qr_wipe(file.p, file.n);
    qr_buf_fini(&file);
    return rc;
}

/* ---- rows ---- */

static enum qr_rc held_by(struct share_store *s, const uint8_t *digest, struct qr_buf *held,
                          struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    QR_TRY(qr_db_read(s->db, err));
    enum qr_rc rc =
        qr_db_one(s->db, "SELECT held FROM share WHERE digest=?1",
                  QR_DB_ARGS(QR_DB_BLOB(QR_BYTES(digest, STANDING_DIGEST_SIZE))), &st, err);
    if (rc == QR_OK) qr_buf_put_bytes(held, qr_stmt_bytes(st, 0));
    qr_db_read_end(s->db);
    return rc == QR_OK ? qr_buf_ok(held) : rc;
}

enum qr_rc share_store_get(struct share_store *s, const struct standing_group *g,
                           struct frost_share *share, struct qr_err *err)
{
    uint8_t digest[STANDING_DIGEST_SIZE], key[STANDING_KEY_SIZE];
    struct qr_buf held;
    standing_digest(g, digest);
    qr_buf_init(&held, 4096);
    enum qr_rc rc = held_by(s, digest, &held, err);
    if (rc == QR_NOTFOUND)
        rc = qr_fail(err, rc, "no share of this group's epoch %u here", g->epoch);
    if (rc == QR_OK) rc = key_load(s, digest, key, err);
    if (rc == QR_OK) rc = standing_open(g, qr_buf_bytes(&held), key, share, err);
    qr_wipe(key, sizeof key);
    qr_buf_fini(&held);
    return rc;
}

bool share_store_has(struct share_store *s, const struct leaf_group_ref *ref)
{
    char path[PATH_MAX];
    struct qr_buf held;
    key_path(s, ref->digest, path);
    qr_buf_init(&held, 4096);
    bool has = held_by(s, ref->digest, &held, NULL) == QR_OK && qr_file_exists(path);
    qr_buf_fini(&held);
    return has;
}

static enum qr_rc insert(struct share_store *s, const struct standing_group *g,
                         const uint8_t *digest, struct qr_bytes held, struct qr_err *err)
{
    QR_TRY(qr_db_begin(s->db, err));
    enum qr_rc rc =
        qr_db_run(s->db, "INSERT INTO share(grp,epoch,digest,held,current) VALUES(?1,?2,?3,?4,0)",
                  QR_DB_ARGS(QR_DB_BLOB(QR_BYTES(g->id, STANDING_ID_SIZE)), QR_DB_INT(g->epoch),
                             QR_DB_BLOB(QR_BYTES(digest, STANDING_DIGEST_SIZE)), QR_DB_BLOB(held)),
                  err);
    /* COMMIT POINT: from here on the change may become the group's. */
    return qr_db_end(s->db, rc, err);
}

enum qr_rc share_store_put(struct share_store *s, const struct standing_group *g,
                           const struct frost_share *share, struct qr_err *err)
{
    const struct leaf_group_ref none = {.epoch = g->epoch};
    struct leaf_group_ref ref = none;
    uint8_t key[STANDING_KEY_SIZE];
    struct qr_buf held;
    standing_digest(g, ref.digest);
    if (share_store_has(s, &ref)) return QR_OK;
    qr_buf_init(&held, 4096);
    enum qr_rc rc = key_make(s, ref.digest, key, err);
    if (rc == QR_OK) rc = standing_seal(g, share, key, &s->rand, &held);
    if (rc == QR_OK) rc = insert(s, g, ref.digest, qr_buf_bytes(&held), err);
    qr_wipe(key, sizeof key);
    qr_buf_fini(&held);
    return rc;
}

/* ---- erasing ---- */

/* Those of a group whose share goes: all, or with keep those up to its epoch
 * that are not it. */
static enum qr_rc doomed(struct share_store *s, const struct qr_hash *group,
                         const struct leaf_group_ref *keep, uint8_t out[][STANDING_DIGEST_SIZE],
                         size_t *n, struct qr_err *err)
{
    struct qr_stmt *st = NULL;
    int64_t epoch = keep ? (int64_t)keep->epoch : INT64_MAX;
    struct qr_bytes but = keep ? QR_BYTES_OF(keep->digest) : qr_str("-");
    *n = 0;
    QR_TRY(qr_db_query(
        s->db, "SELECT digest FROM share WHERE grp=?1 AND epoch<=?2 AND digest<>?3",
        QR_DB_ARGS(QR_DB_BLOB(QR_BYTES_OF(group->b)), QR_DB_INT(epoch), QR_DB_BLOB(but)), &st,
        err));
    for (bool row = true; *n < MOST;) {
        QR_TRY(qr_stmt_step(st, &row, err));
        if (!row) break;
        struct qr_bytes d = qr_stmt_bytes(st, 0);
        if (d.n != STANDING_DIGEST_SIZE) return qr_fail(err, QR_IO, "database: damaged row");
        qr_copy(out[(*n)++], d.p, d.n);
    }
    return QR_OK;
}

static enum qr_rc erase(struct share_store *s, const uint8_t *digest, struct qr_err *err)
{
    char path[PATH_MAX];
    key_path(s, digest, path);
    if (qr_file_exists(path)) QR_TRY(qr_file_destroy(path, err));
    QR_TRY(qr_db_begin(s->db, err));
    return qr_db_end(s->db,
                     qr_db_run(s->db, "DELETE FROM share WHERE digest=?1",
                               QR_DB_ARGS(QR_DB_BLOB(QR_BYTES(digest, STANDING_DIGEST_SIZE))), err),
                     err);
}

static enum qr_rc erase_all(struct share_store *s, const struct qr_hash *group,
                            const struct leaf_group_ref *keep, struct qr_err *err)
{
    uint8_t digests[MOST][STANDING_DIGEST_SIZE];
    size_t n = MOST;
    while (n == MOST) {
        QR_TRY(qr_db_read(s->db, err));
        enum qr_rc rc = doomed(s, group, keep, digests, &n, err);
        qr_db_read_end(s->db);
        for (size_t i = 0; i < n && rc == QR_OK; i++) rc = erase(s, digests[i], err);
        if (rc != QR_OK) return rc;
    }
    return QR_OK;
}

enum qr_rc share_store_settle(struct share_store *s, const struct leaf_group_ref *now,
                              struct qr_err *err)
{
    QR_TRY(qr_db_begin(s->db, err));
    QR_TRY(qr_db_end(s->db,
                     qr_db_run(s->db, "UPDATE share SET current=1 WHERE digest=?1",
                               QR_DB_ARGS(QR_DB_BLOB(QR_BYTES_OF(now->digest))), err),
                     err));
    return erase_all(s, &now->group, now, err);
}

enum qr_rc share_store_erase(struct share_store *s, const struct qr_hash *group, struct qr_err *err)
{
    return erase_all(s, group, NULL, err);
}
