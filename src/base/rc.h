/* rc.h - the result of every fallible call, and the text that explains it.
 *
 * One enum for the whole program; one table (rc.def) gives each value its
 * text, gRPC status, HTTP status and exit code.  struct qr_err carries a
 * detail for humans across module borders; it never holds a secret, a token
 * or personal data.  Any module may include this header. */
#ifndef QUORATE_BASE_RC_H
#define QUORATE_BASE_RC_H

#ifdef NDEBUG
#error "assertions stay on in every build: do not define NDEBUG"
#endif

#define QR_MUST_CHECK __attribute__((warn_unused_result))
#define QR_PRINTF(f, a) __attribute__((format(printf, f, a)))

enum qr_rc {
#define QR_RC(name, text, grpc, http, exit) QR_##name,
#include "base/rc.def"
#undef QR_RC
    QR_RC_COUNT
};

#define QR_ERR_SIZE 160

/* Detail for humans.  Caller's memory; an empty text means "no detail". */
struct qr_err {
    char text[QR_ERR_SIZE];
};

/* Name ("MALFORMED") and one-line text of a result.  Never NULL. */
const char *qr_rc_name(enum qr_rc rc);
const char *qr_rc_text(enum qr_rc rc);
int qr_rc_grpc(enum qr_rc rc);
int qr_rc_http(enum qr_rc rc);
int qr_rc_exit(enum qr_rc rc);

/* Result that a name stands for; QR_BUG when no result has it. */
enum qr_rc qr_rc_from_name(const char *name);

/* Result that a gRPC status stands for (the first row of the table that has
 * it); QR_UNAVAILABLE for a status no row has. */
enum qr_rc qr_rc_from_grpc(int grpc);

/* Writes the detail (cut to QR_ERR_SIZE - 1 bytes, control characters become
 * '?') and returns rc, so that a failing path is one line.  err may be NULL. */
enum qr_rc qr_fail(struct qr_err *err, enum qr_rc rc, const char *fmt, ...) QR_PRINTF(3, 4);

/* A bug of ours: prints file, line and text as one log line, then aborts. */
_Noreturn void qr_fatal_at(const char *file, int line, const char *fmt, ...) QR_PRINTF(3, 4);
#define qr_fatal(...) qr_fatal_at(__FILE__, __LINE__, __VA_ARGS__)

/* Returns from the calling function when expr is not QR_OK. */
#define QR_TRY(expr)                                \
    do {                                            \
        enum qr_rc qr_try_rc_ = (expr);             \
        if (qr_try_rc_ != QR_OK) return qr_try_rc_; \
    } while (0)

#endif
