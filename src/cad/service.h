/* service.h - the CA service: handlers of proto/quorate/v1/ca.proto.  main.c is
 * the only caller; hooks are those of service/run.h. */
#ifndef QUORATE_CAD_SERVICE_H
#define QUORATE_CAD_SERVICE_H

#include "service/run.h"

/* Reads the CA keys, which must fit the trust directory's certificates. */
enum qr_rc cad_open(struct service *s, struct qr_err *err) QR_MUST_CHECK;
/* Adds quorate.v1.Ca. */
enum qr_rc cad_add(struct service *s, struct qr_err *err) QR_MUST_CHECK;
/* Logs the node certificates that are not logged yet. */
enum qr_rc cad_sync(struct service *s, struct qr_err *err) QR_MUST_CHECK;
/* Releases what cad_open made. */
void cad_close(struct service *s);

#endif
