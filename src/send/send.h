/* send.h - hands syslog messages to a receiver instead of writing a file.
 *
 * Nothing here knows what a message means: it cuts the export at its line ends
 * and frames each line as the transport wants it.  Syslog has no receipt: what
 * was sent without an error was taken by the operating system, or by the other
 * end of TLS when it also closed in order, not necessarily stored.
 *
 * Spec: RFC 5424, RFC 5425 (TLS, octet counting), RFC 6587. */
#ifndef QUORATE_SEND_H
#define QUORATE_SEND_H

#include "base/bytes.h"

/* Strings are borrowed until send_close. */
struct send_to {
    const char *where; /* "unix:PATH" or "tls:HOST:PORT" */
    const char *ca;    /* PEM file of the receiver's CA; tls only */
    const char *cert;  /* PEM files of the own certificate and key, both or none */
    const char *key;
};

struct sender;

/* Connects, within 30 s; with TLS the receiver must have a certificate of that CA for
 * HOST (RFC 5425 section 5).  Gives: send_close.  QR_USAGE: `where` is neither;
 * QR_NOTFOUND, QR_IO: a file; QR_UNAVAILABLE: nobody there, or not who was asked
 * for. */
enum qr_rc send_open(const struct send_to *to, struct sender **out, struct qr_err *err)
    QR_MUST_CHECK;
/* The next bytes of the export; each whole line leaves as a message.
 * QR_UNAVAILABLE: it could not be sent within 30 s; QR_RANGE: longer than the receiver's
 * socket takes. */
enum qr_rc send_put(struct sender *s, struct qr_bytes b) QR_MUST_CHECK;
/* Ends in order and frees s (NULL is allowed).  QR_UNAVAILABLE: a TLS receiver did not answer
 * the end, so that it is unknown what it took. */
enum qr_rc send_close(struct sender *s, struct qr_err *err) QR_MUST_CHECK;
/* Why send_put failed; "" before. */
const char *send_reason(const struct sender *s);
/* Frees s without an end; NULL is allowed. */
void send_drop(struct sender *s);

#endif
