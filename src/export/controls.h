/* controls.h - which kinds of entry are evidence for which control of which
 * standard, by a file that auditors may change (data/controls.json).
 *
 * The mapping is a claim about standards, not about the log: it travels in the
 * header of an export.  docs/COMPLIANCE.md explains it. */
#ifndef QUORATE_EXPORT_CONTROLS_H
#define QUORATE_EXPORT_CONTROLS_H

#include "leaf/entry.h"

#define EXPORT_CONTROLS_MAX 64
#define EXPORT_CONTROLS_FILE_MAX (64 * 1024)

struct export_control {
    const char *id;    /* "NIST:AC-3(2)" */
    const char *title; /* in words of ours */
    const char *shows; /* what the evidence shows, and not more */
    const char *command;
    uint32_t kinds; /* 1 << enum leaf_kind */
};
_Static_assert(LEAF_KIND_COUNT <= 32, "kinds fit into the mask");

struct export_controls {
    size_t n;
    struct export_control c[EXPORT_CONTROLS_MAX];
    json_t *json; /* strings borrow from it; owned */
};

/* The mapping that the programs were built with. */
enum qr_rc export_controls_builtin(struct export_controls *out, struct qr_err *err) QR_MUST_CHECK;
/* A file's text.  QR_MALFORMED: err names the control. */
enum qr_rc export_controls_parse(struct qr_bytes text, struct export_controls *out,
                                 struct qr_err *err) QR_MUST_CHECK;
/* The same from its JSON value, whose strings are kept. */
enum qr_rc export_controls_read(const json_t *list, struct export_controls *out, struct qr_err *err)
    QR_MUST_CHECK;
json_t *export_controls_write(const struct export_controls *c);
bool export_controls_equal(const struct export_controls *a, const struct export_controls *b);
void export_controls_fini(struct export_controls *c);
/* Appends the ids for a kind, separated by blanks. */
void export_controls_of(const struct export_controls *c, enum leaf_kind k, struct qr_buf *out);

#endif
