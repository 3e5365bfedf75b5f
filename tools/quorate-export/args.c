/* args.c - flags, and the help that names them. */
#include "tools/quorate-export/args.h"

#include <getopt.h>
#include <stdio.h>

enum {
    DB = 1000,
    TILES,
    LOG_ID,
    FROM,
    TO,
    FILTER,
    FORMAT,
    OUTPUT,
    CONTROLS,
    CHECKPOINT,
    CONTINUE,
    SEND,
    SEND_CA,
    SEND_CERT,
    SEND_KEY,
    HELP,
    VERSION
};

static const struct option longs[] = {{"db", required_argument, NULL, DB},
                                      {"tiles", required_argument, NULL, TILES},
                                      {"log-id", required_argument, NULL, LOG_ID},
                                      {"from", required_argument, NULL, FROM},
                                      {"to", required_argument, NULL, TO},
                                      {"filter", required_argument, NULL, FILTER},
                                      {"format", required_argument, NULL, FORMAT},
                                      {"output", required_argument, NULL, OUTPUT},
                                      {"controls", required_argument, NULL, CONTROLS},
                                      {"from-checkpoint", required_argument, NULL, CHECKPOINT},
                                      {"continue", required_argument, NULL, CONTINUE},
                                      {"send", required_argument, NULL, SEND},
                                      {"send-ca", required_argument, NULL, SEND_CA},
                                      {"send-cert", required_argument, NULL, SEND_CERT},
                                      {"send-key", required_argument, NULL, SEND_KEY},
                                      {"help", no_argument, NULL, HELP},
                                      {"version", no_argument, NULL, VERSION},
                                      {NULL, 0, NULL, 0}};

void export_args_help(void)
{
    (void)fputs(
        "Examples:\n"
        "  quorate-export --db /var/lib/quorate/tlogd/log.db --format csv -o all.csv\n"
        "  quorate-export --tiles /srv/log --from 2026-10-01T00:00:00Z --to 2027-01-01T00:00:00Z "
        "\\\n"
        "      --from-checkpoint third-quarter.checkpoint --format html -o quarter.html\n"
        "  quorate-export --db log.db --filter event_type=approval.given --format jsonl -o -\n"
        "  quorate-export --db log.db --format syslog --continue siem.checkpoint \\\n"
        "      --send tls:siem.example:6514 --send-ca siem-ca.pem\n"
        "  tlog-verify export --trust trust all.csv\n\n"
        "Usage: quorate-export --db FILE | --tiles DIR [OPTION...] -o FILE | --send WHERE\n\n"
        "Writes entries of a log for auditors, with the proof that none is missing.\n\n"
        "  --db FILE          the log's database; it may be in use\n"
        "  --log-id N         which log of the database; default 1\n"
        "  --tiles DIR        a tree of files, C2SP tlog-tiles, instead\n"
        "  --from WHERE       first entry: its index, or a time; default 0\n"
        "  --to WHERE         where to stop: index or time of the first entry that is\n"
        "                     left out; default: the end\n"
        "  --from-checkpoint FILE\n"
        "                     the signed checkpoint of the period before: it is shown to be\n"
        "                     of the same log\n"
        "  --continue FILE    only what came since the last export with this file, which\n"
        "                     keeps the signed checkpoint; the first takes everything\n"
        "  --filter COLUMN=VALUE\n"
        "                     only such rows; others stay as index and leaf hash.  May be\n"
        "                     repeated: one column's values are alternatives\n"
        "  --format FORMAT    jsonl, csv, ocsf, syslog, oscal, dsse or html; default jsonl\n"
        "  --controls FILE    another mapping of controls than the one built in\n"
        "  -o, --output FILE  where to, - is standard output\n"
        "  --send WHERE       instead of --output: send the syslog messages to a receiver,\n"
        "                     unix:PATH (such as /dev/log) or tls:HOST:PORT (RFC 5425)\n"
        "  --send-ca FILE     the CA of the TLS receiver's certificate\n"
        "  --send-cert FILE   what this machine shows a TLS receiver that asks\n"
        "  --send-key FILE    the certificate's key\n"
        "  --help, --version\n\n"
        "Exit codes: 0 ok, 2 usage, 3 unreadable, 5 not found, 7 the receiver is not\n"
        "there or did not take it, 10 the log is damaged.\n",
        stdout);
}

static enum qr_rc take(int c, struct export_args *a, struct qr_err *err)
{
    switch (c) {
    case DB: a->db = optarg; break;
    case TILES: a->tiles = optarg; break;
    case FROM: a->from = optarg; break;
    case TO: a->to = optarg; break;
    case FORMAT: a->format = optarg; break;
    case 'o':
    case OUTPUT: a->out = optarg; break;
    case CONTROLS: a->controls = optarg; break;
    case CHECKPOINT: a->from_checkpoint = optarg; break;
    case CONTINUE: a->cursor = optarg; break;
    case SEND: a->send.where = optarg; break;
    case SEND_CA: a->send.ca = optarg; break;
    case SEND_CERT: a->send.cert = optarg; break;
    case SEND_KEY: a->send.key = optarg; break;
    case HELP: a->help = true; break;
    case VERSION: a->version = true; break;
    case LOG_ID:
        if (qr_parse_u64(qr_str(optarg), UINT32_MAX, &a->log_id) != QR_OK || a->log_id == 0)
            return qr_fail(err, QR_USAGE, "--log-id is 1 to 4294967295");
        break;
    case FILTER:
        if (a->filters == EXPORT_FILTERS_MAX)
            return qr_fail(err, QR_USAGE, "at most %d filters", EXPORT_FILTERS_MAX);
        a->filter[a->filters++] = optarg;
        break;
    default: return qr_fail(err, QR_USAGE, "wrong option: --help shows them");
    }
    return QR_OK;
}

/* What goes together. */
static enum qr_rc check(const struct export_args *a, struct qr_err *err)
{
    if ((a->db != NULL) == (a->tiles != NULL))
        return qr_fail(err, QR_USAGE, "one of --db and --tiles is needed");
    if ((a->out != NULL) == (a->send.where != NULL))
        return qr_fail(err, QR_USAGE, "one of --output and --send is needed");
    if (a->send.where && !qr_bytes_is(qr_str(a->format), "syslog"))
        return qr_fail(err, QR_USAGE, "--send goes with --format syslog");
    if (!a->send.where && (a->send.ca || a->send.cert || a->send.key))
        return qr_fail(err, QR_USAGE, "--send-ca, --send-cert and --send-key go with --send");
    if (a->cursor && (a->from || a->to || a->from_checkpoint))
        return qr_fail(err, QR_USAGE, "--continue says itself where the range begins and ends");
    return QR_OK;
}

enum qr_rc export_args_read(int argc, char **argv, struct export_args *out, struct qr_err *err)
{
    *out = (struct export_args){.log_id = 1, .format = "jsonl"};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":o:", longs, NULL)) != -1;) QR_TRY(take(c, out, err));
    if (out->help || out->version) return QR_OK;
    if (optind != argc) return qr_fail(err, QR_USAGE, "unexpected argument: %.60s", argv[optind]);
    return check(out, err);
}
