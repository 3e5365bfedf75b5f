/* web.h - finished bundles over HTTP, by the SHA-256 of what was signed:
 *
 *   /bundle/HEX           of the newest signed session of the artifact
 *   /bundle/HEX/SESSION   of that session; never changes
 *
 * For everyone who can reach the port and knows the digest; nothing is listed.
 * The reader verifies what it gets: this server vouches for nothing. */
#ifndef QUORATE_COORDINATORD_WEB_H
#define QUORATE_COORDINATORD_WEB_H

#include "service/run.h"

/* service_hooks.web. */
void coordinator_web(struct service *s, const struct http_request *in, struct http_reply *reply);

#endif
