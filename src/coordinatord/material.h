/* material.h - bundles of any stage, made from the log.
 *
 * Material of a stage that does not change any more (frozen, started) is made
 * once and given to all members; the finished bundle is kept in the store. */
#ifndef QUORATE_COORDINATORD_MATERIAL_H
#define QUORATE_COORDINATORD_MATERIAL_H

#include "bundle/bundle.h"
#include "coordinatord/coord.h"

enum qr_rc material_new(struct coord *c, struct coord_material **out, struct qr_err *err)
    QR_MUST_CHECK;
void material_free(struct coord_material *m); /* NULL allowed */

/* Appends the bundle of a stage of session n, or of the highest stage that is
 * reached.  QR_STATE: the session has not come that far. */
struct material_want {
    int64_t n;
    bool highest;
    enum bundle_stage stage;
};
enum qr_rc material_get(struct coord *c, const struct material_want *want, struct qr_buf *out,
                        struct qr_err *err) QR_MUST_CHECK;
/* Makes what its readers will ask for now: frozen, started, or the finished
 * bundle.  Trouble is logged; the next reader tries again.  True: for the first
 * time of this stage and attempt. */
bool material_prepare(struct coord *c, int64_t n);

/* Finds the two policies in the log, for every bundle.  QR_NOTFOUND: they are
 * not there yet; QR_UNAVAILABLE. */
enum qr_rc material_find_policies(struct coord *c, struct qr_err *err) QR_MUST_CHECK;

#endif
