/* args.h - what quorate-export is asked to do. */
#ifndef QUORATE_EXPORT_ARGS_H
#define QUORATE_EXPORT_ARGS_H

#include "export/header.h"
#include "send/send.h"

struct export_args {
    const char *db, *tiles, *out, *controls, *from_checkpoint;
    const char *cursor;    /* keeps the last run's checkpoint */
    struct send_to send;   /* where: NULL for a file */
    const char *from, *to; /* NULL: the first; the end */
    const char *format;
    const char *filter[EXPORT_FILTERS_MAX];
    size_t filters;
    uint64_t log_id;
    bool help, version;
};

/* Strings are kept.  QR_USAGE: err says what is wrong. */
enum qr_rc export_args_read(int argc, char **argv, struct export_args *out, struct qr_err *err)
    QR_MUST_CHECK;
void export_args_help(void);

#endif
