/* answer.h - what a command found out: each check with its outcome, facts, and
 * the first failure; printed once, as text or as one JSON document.
 *
 * JSON: {"checks":[{"name","ok","detail"}],"ok":true, facts...} or
 * {"checks":[...],"error":{"code","exit","hint","message"},"ok":false, lists...}. */
#ifndef TLOG_VERIFY_ANSWER_H
#define TLOG_VERIFY_ANSWER_H

#include "base/json.h"

#include <stdio.h>

struct answer {
    bool json;
    bool explain; /* text: print every check */
    json_t *checks;
    json_t *facts;
    enum qr_rc rc; /* of the first failure */
    int exit;
    struct qr_err message;
    const char *hint;
    bool printed; /* the command printed everything itself; exit is set */
};

void answer_init(struct answer *a);
void answer_fini(struct answer *a);
/* Records a check; detail may be NULL. */
void answer_check(struct answer *a, const char *name, bool ok, const char *detail);
/* Records something to print on success; value is copied. */
void answer_fact(struct answer *a, const char *key, struct qr_bytes value);
/* Adds an object of strings and arrays of strings to the list of that name;
 * takes item.  As text it is one line. */
void answer_item(struct answer *a, const char *key, json_t *item);
/* Records the first failure and gives rc back.  hint is kept (a constant) and
 * may be NULL.  The exit code is the table's, but what cannot be read is 3. */
enum qr_rc answer_fail(struct answer *a, enum qr_rc rc, const char *hint, const char *fmt, ...)
    QR_PRINTF(4, 5);
/* Prints: data to out, talk to err.  Gives the exit code. */
int answer_print(const struct answer *a, FILE *out, FILE *err);

#endif
