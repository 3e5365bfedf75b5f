/* sessions.h - the signing sessions that the rows of an export tell of: who
 * asked, who decided, what became of it.  For documents that people read.
 *
 * A session is listed when the row of its request is in the file. */
#ifndef QUORATE_EXPORT_SESSIONS_H
#define QUORATE_EXPORT_SESSIONS_H

#include "export/row.h"

struct export_sessions;

/* Gives export_sessions_free. */
struct export_sessions *export_sessions_new(void);
void export_sessions_free(struct export_sessions *s); /* NULL is allowed */
/* The next row whose entry is in the file. */
void export_sessions_take(struct export_sessions *s, const struct export_row *r);
/* Objects of strings, in the order of requests: the columns session_id, request_index,
 * request_leaf, artifact_*, policy_id, quorum_have, quorum_need, trust_classes
 * as of the last row; requester, requested, state ("open", "signed", "expired",
 * "cancelled", "failed"), ended, last_index, group_key_id; decisions, a list of
 * {leaf_index,actor_id,actor_role,meaning,event_time}.  Borrows. */
const json_t *export_sessions_list(const struct export_sessions *s);

#endif
