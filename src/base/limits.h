/* limits.h - every limit of the program, with its reason. */
#ifndef QUORATE_BASE_LIMITS_H
#define QUORATE_BASE_LIMITS_H

/* People in one ceremony.  DKG messages grow with n*t; 64 keeps the largest
 * below QR_MAX_MESSAGE_DKG. */
#define QR_MAX_PARTICIPANTS 64
/* Members of a key group, which frost/ may be asked to make or to sign with by
 * others than a ceremony: arrays on the stack, a certificate of 560 KiB. */
#define QR_MAX_MEMBERS 128
/* Payload types one session may sign: all that there are. */
#define QR_MAX_PAYLOADS 8
/* Sessions that one requester has open at the same time: a person who may ask
 * must not fill the log and the database for everybody. */
#define QR_MAX_OPEN_SESSIONS 100
/* One log entry.  C2SP entry bundles frame entries with 16-bit lengths. */
#define QR_MAX_ENTRY 65535
/* Received gRPC message by default (RPC amplification: x68 in protobuf-c). */
#define QR_MAX_MESSAGE (256 * 1024)
/* Received gRPC message of DKG and bundle methods. */
#define QR_MAX_MESSAGE_DKG (4 * 1024 * 1024)
/* Entries of one batch for the log: with their proofs they fit QR_MAX_REQUEST_ARENA. */
#define QR_MAX_BATCH 1024
/* Memory one request may take when decoded. */
#define QR_MAX_REQUEST_ARENA (16 * 1024 * 1024)
/* Request metadata, all headers together. */
#define QR_MAX_METADATA (8 * 1024)
#define QR_MAX_STREAMS 100
/* Descriptors of a daemon, connections and files: a connection in its handshake
 * costs up to 56 KiB, and strangers must not cost more than 32 MiB. */
#define QR_MAX_CONNECTIONS 448
/* Calls alive at one server from one node, streams included: a node cannot
 * take all slots, nor all places in the queue.  Twice the people of a ceremony. */
#define QR_MAX_NODE_CALLS 128
#define QR_HANDSHAKE_MS 10000
/* An idle connection is pinged, and given up when the answer takes longer. */
#define QR_KEEPALIVE_MS 20000
#define QR_KEEPALIVE_TIMEOUT_MS 10000
#define QR_MAX_CALL_MS 60000
#define QR_MAX_STREAM_MS 600000
/* A request must be here this long after its call began (slow senders). */
#define QR_MAX_RECV_MS 30000
/* Elements of a server stream that wait for a slow reader. */
#define QR_MAX_OUTBOX 64
/* One bundle file: transcripts and evidence of 64 people fit. */
#define QR_MAX_BUNDLE (16 * 1024 * 1024)
/* A reply: a bundle and what is around it. */
#define QR_MAX_REPLY (QR_MAX_BUNDLE + 64 * 1024)
/* Configuration, policy, roster and trust files. */
#define QR_MAX_CONFIG_FILE (1024 * 1024)
/* A file signed as raw must fit into every signer's memory. */
#define QR_MAX_RAW_FILE (256 * 1024 * 1024)
/* Free text: artifact names, reasons, screens. */
#define QR_MAX_NAME 255
#define QR_MAX_TEXT 1024
/* SNP evidence: report is exactly 1184, one certificate in DER. */
#define QR_MAX_CERT_DER 4096
/* An entry's time may be off by this much from the log's clock. */
#define QR_MAX_TIME_SKEW_US (5 * 1000000LL)
/* Between the clocks of the CA and the log while a certificate is issued. */
#define QR_MAX_CA_SKEW_US (2 * 1000000LL)
/* A grant lives this long at most. */
#define QR_MAX_GRANT_S 120

#endif
