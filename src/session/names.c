/* names.c - the words for states, steps and orders. */
#include "session/session.h"

#include <assert.h>

const char *session_state_name(enum session_state state)
{
    static const char *const names[] = {
        [SESSION_OPEN] = "OPEN",       [SESSION_QUORATE] = "QUORATE",
        [SESSION_DKG] = "DKG",         [SESSION_CERTIFIED] = "CERTIFIED",
        [SESSION_SIGNING] = "SIGNING", [SESSION_SIGNED] = "SIGNED",
        [SESSION_EXPIRED] = "EXPIRED", [SESSION_CANCELLED] = "CANCELLED",
        [SESSION_FAILED] = "FAILED"};
    assert(state <= SESSION_FAILED);
    return names[state];
}

const char *session_wait_name(enum session_wait wait)
{
    static const char *const names[] = {
        [SESSION_WAIT_JOIN] = "join",       [SESSION_WAIT_PRESENCE] = "presence",
        [SESSION_WAIT_ROSTER] = "roster",   [SESSION_WAIT_FREEZE] = "freeze",
        [SESSION_WAIT_DKG1] = "dkg1",       [SESSION_WAIT_DKG2] = "dkg2",
        [SESSION_WAIT_VERIFY] = "verify",   [SESSION_WAIT_COMPLETE] = "complete",
        [SESSION_WAIT_CERTIFY] = "certify", [SESSION_WAIT_START] = "start",
        [SESSION_WAIT_SHARE] = "share",     [SESSION_WAIT_AGGREGATE] = "aggregate",
        [SESSION_WAIT_MAKE] = "make",       [SESSION_WAIT_NONE] = "none",
        [SESSION_WAIT_CHAIN] = "chain",     [SESSION_WAIT_SEAL] = "seal"};
    assert(wait <= SESSION_WAIT_SEAL);
    return names[wait];
}

const char *session_order_name(enum session_order_kind order)
{
    static const char *const names[] = {
        [SESSION_ORDER_PROGRESS] = "progress", [SESSION_ORDER_PRESENCE] = "presence",
        [SESSION_ORDER_FROZEN] = "frozen",     [SESSION_ORDER_DKG1] = "dkg1",
        [SESSION_ORDER_SIGN] = "sign",         [SESSION_ORDER_CHAIN] = "chain",
        [SESSION_ORDER_SIGNED] = "signed",     [SESSION_ORDER_ATTEMPT_FAILED] = "attempt_failed",
        [SESSION_ORDER_ENDED] = "ended"};
    assert(order <= SESSION_ORDER_ENDED);
    return names[order];
}
