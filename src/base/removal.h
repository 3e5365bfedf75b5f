/* removal.h - lets a test build run without one named check, to show that an
 * attack which is refused succeeds without it.
 *
 * In every other build QR_HOLDS(ID, cond) is cond and qr_removed() is false:
 * no name, no symbol and no variable of this is left (tests/sys/hardening.test
 * reads the programs).  configure --enable-check-removal is for tests/ alone;
 * its programs say so when they start.
 *
 * QR_HOLDS_OF is for tables: the guard is a value of enum qr_guard.
 *
 * Names: base/guards.def and trust/checks.def. */
#ifndef QUORATE_BASE_REMOVAL_H
#define QUORATE_BASE_REMOVAL_H

#include <config.h>
#include <stdbool.h>

enum qr_guard {
#define QR_GUARD(id, name, text) QR_GUARD_##id,
#include "base/guards.def"
#undef QR_GUARD
    QR_GUARD_COUNT
};

#ifdef QUORATE_CHECK_REMOVAL
/* QUORATE_REMOVE, a list of names with spaces between, has this name; or the
 * file that QUORATE_REMOVE_FILE names, which may change while a daemon runs. */
bool qr_removed(const char *name);
const char *qr_guard_name(enum qr_guard g);
#define QR_HOLDS(id, cond) ((cond) || qr_removed(qr_guard_name(QR_GUARD_##id)))
#define QR_HOLDS_OF(guard, cond) ((cond) || qr_removed(qr_guard_name(guard)))
#else
#define qr_removed(name) false
#define QR_HOLDS(id, cond) (cond)
#define QR_HOLDS_OF(guard, cond) (cond)
#endif

#endif
