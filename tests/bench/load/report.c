#include "tests/bench/load/report.h"

#include <inttypes.h>

#include "tests/bench/load/hist.h"

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static double lost_ratio(const struct load_report *r)
{
    return ratio((double)r->lost, (double)(r->lost + r->received));
}

static double cpu_us(const struct load_report *r)
{
    return (double)r->server.cpu_ns / 1000;
}

static double user_us(const struct load_report *r)
{
    return cpu_us(r) * ratio((double)r->server.user, (double)(r->server.user + r->server.system));
}

static const char *server_name(const struct load_report *r)
{
    return r->conf->server == LOAD_STOA ? "stoa" : "janus";
}

static const char *source_name(const struct load_report *r)
{
    if (r->conf->source == LOAD_SYNTHETIC) {
        return r->conf->codec == LOAD_VP8 ? "synthetic" : "synthetic-h264";
    }
    return r->conf->codec == LOAD_VP8 ? "vp8" : "h264";
}

static json_t *scenario(const struct load_report *r)
{
    const struct load_conf *c = r->conf;
    return json_pack(
        "{s:s, s:i, s:i, s:i, s:i, s:i, s:b, s:f, s:i, s:i, s:s, s:i, s:f, s:f, s:i, s:s, s:b, "
        "s:b, "
        "s:i}",
        "server", server_name(r), "rooms", (int)c->rooms, "publishers", (int)c->publishers,
        "subscribers", (int)c->subscribers, "meeting", (int)c->meeting, "join_storm",
        (int)c->join_storm, "audio", c->audio, "ramp_per_s", c->ramp, "seconds", (int)c->seconds,
        "warmup_s", (int)c->warmup_s, "source", source_name(r), "packet_bytes",
        (int)c->packet_bytes, "packet_rate", c->packet_rate, "fps", c->fps, "video_kbps",
        (int)c->video_kbps, "pacing", c->pacing == LOAD_BURST ? "burst" : "even", "gro", c->gro,
        "nack", c->nack, "sample", (int)c->sample);
}

static json_t *percentiles(const struct load_hist *h, double unit)
{
    return json_pack("{s:f, s:f}", "p50", (double)load_hist_at(h, 0.5) / unit, "p99",
                     (double)load_hist_at(h, 0.99) / unit);
}

static json_t *joins(const struct load_report *r)
{
    const struct load_joins *j = &r->joins;
    return json_pack("{s:i, s:i, s:o, s:o, s:o, s:o, s:o}", "count", (int)j->count, "failed",
                     (int)j->failed, "answer", percentiles(&j->answer_us, 1000), "ice",
                     percentiles(&j->ice_us, 1000), "dtls", percentiles(&j->dtls_us, 1000),
                     "first_packet", percentiles(&j->packet_us, 1000), "key_frame",
                     percentiles(&j->key_us, 1000));
}

static json_t *delay(const struct load_report *r)
{
    const struct load_hist *h = &r->delay_ns;
    return json_pack("{s:f, s:f, s:f, s:f, s:I}", "p50", (double)load_hist_at(h, 0.5) / 1000, "p99",
                     (double)load_hist_at(h, 0.99) / 1000, "p999",
                     (double)load_hist_at(h, 0.999) / 1000, "max", (double)h->max / 1000, "count",
                     (json_int_t)h->count);
}

static json_t *server(const struct load_report *r)
{
    const struct load_proc *p = &r->server;
    double n = (double)r->delivered, all = cpu_us(r), user = user_us(r);
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:i, s:i, s:i, s:I, s:I}", "cpu_user_us",
                     user, "cpu_system_us", all - user, "cpu_us_per_packet", ratio(all, n),
                     "cpu_user_us_per_packet", ratio(user, n), "cpu_system_us_per_packet",
                     ratio(all - user, n), "rss_kib", (json_int_t)p->rss_kib, "pss_kib",
                     (json_int_t)p->pss_kib, "threads", (int)p->threads, "threads_before",
                     (int)r->threads_before, "fds", (int)p->fds, "voluntary_switches",
                     (json_int_t)p->voluntary, "involuntary_switches", (json_int_t)p->involuntary);
}

static json_t *storm(const struct load_report *r)
{
    return json_pack("{s:f, s:f, s:I}", "server_cpu_us", (double)r->storm_cpu_ns / 1000, "seconds",
                     r->storm_seconds, "packets_delivered", (json_int_t)r->storm_delivered);
}

json_t *load_report_json(const struct load_report *r)
{
    json_t *o = json_pack(
        "{s:o, s:f, s:I, s:I, s:f, s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:i, s:i, s:o, s:o, s:o, "
        "s:{s:f, "
        "s:I, s:I, s:I, s:I}, s:s, s:f}",
        "scenario", scenario(r), "measured_s", r->seconds, "packets_in_server", (json_int_t)r->sent,
        "packets_delivered", (json_int_t)r->delivered, "packets_per_s",
        ratio((double)r->delivered, r->seconds), "lost", (json_int_t)r->lost, "lost_ratio",
        lost_ratio(r), "reordered", (json_int_t)r->reordered, "duplicates", (json_int_t)r->doubles,
        "retransmitted", (json_int_t)r->retransmitted, "recovered", (json_int_t)r->recovered,
        "nacked", (json_int_t)r->nacked, "streams", (int)r->streams, "streams_expected",
        (int)r->streams_expected, "delay_us", delay(r), "join_ms", joins(r), "server",
        r->has_server ? server(r) : json_null(), "generator", "cpu_share", r->generator_share,
        "rx_lost", (json_int_t)r->rx_lost, "opened", (json_int_t)r->opened, "bad",
        (json_int_t)r->bad, "unknown", (json_int_t)r->unknown, "srtp_profile", r->profile,
        "steal_ratio", r->steal);
    if (r->conf->join_storm > 0) {
        json_object_set_new(o, "storm", storm(r));
    }
    return o;
}

static void print_joins(const struct load_joins *j, FILE *out)
{
    const struct {
        const char *name;
        const struct load_hist *h;
    } rows[] = {{"answer", &j->answer_us},
                {"ICE pair", &j->ice_us},
                {"DTLS done", &j->dtls_us},
                {"first packet", &j->packet_us},
                {"key frame", &j->key_us}};
    fprintf(out, "joins          %u, failed %u\n", j->count, j->failed);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].h->count > 0) {
            fprintf(out, "  %-12s p50 %.1f ms, p99 %.1f ms\n", rows[i].name,
                    (double)load_hist_at(rows[i].h, 0.5) / 1000,
                    (double)load_hist_at(rows[i].h, 0.99) / 1000);
        }
    }
}

static void print_server(const struct load_report *r, FILE *out)
{
    const struct load_proc *p = &r->server;
    double n = (double)r->delivered, all = cpu_us(r), user = user_us(r);
    fprintf(
        out,
        "server CPU     %.2f us a delivered packet: %.2f user, %.2f system; %.1f %% of a core\n",
        ratio(all, n), ratio(user, n), ratio(all - user, n), ratio(all, r->seconds * 1e6) * 100);
    fprintf(out, "server memory  %" PRIu64 " KiB (%" PRIu64 " KiB its own), %u threads, %u fds\n",
            p->rss_kib, p->pss_kib, p->threads, p->fds);
    fprintf(out, "switches       %" PRIu64 " voluntary, %" PRIu64 " involuntary\n", p->voluntary,
            p->involuntary);
}

void load_report_print(const struct load_report *r, FILE *out)
{
    const struct load_hist *d = &r->delay_ns;
    fprintf(out, "\n%s, %s, %.1f s, %s\n", server_name(r), source_name(r), r->seconds, r->profile);
    fprintf(out, "packets        %" PRIu64 " in, %" PRIu64 " out, %.0f a second out\n", r->sent,
            r->delivered, ratio((double)r->delivered, r->seconds));
    fprintf(out, "lost           %" PRIu64 " (%.4f %%), %" PRIu64 " late, %" PRIu64 " double\n",
            r->lost, lost_ratio(r) * 100, r->reordered, r->doubles);
    fprintf(out, "streams        %u of %u\n", r->streams, r->streams_expected);
    fprintf(out,
            "forward delay  p50 %.0f us, p99 %.0f us, p99.9 %.0f us, max %.0f us (%" PRIu64
            " packets)\n",
            (double)load_hist_at(d, 0.5) / 1000, (double)load_hist_at(d, 0.99) / 1000,
            (double)load_hist_at(d, 0.999) / 1000, (double)d->max / 1000, d->count);
    print_joins(&r->joins, out);
    if (r->has_server) {
        print_server(r, out);
    }
    fprintf(out,
            "generator      %.0f %% of a core, %" PRIu64 " dropped here, %" PRIu64
            " opened, %" PRIu64 " bad\n",
            r->generator_share * 100, r->rx_lost, r->opened, r->bad);
    fprintf(out, "steal          %.2f %%\n", r->steal * 100);
    if (r->generator_share > 0.5) {
        fputs(
            "warning: the generator used more than half a core: delays and losses may be its own\n",
            out);
    }
    if (r->rx_lost > 0) {
        fputs("warning: datagrams were dropped here: run as root, or raise net.core.rmem_max\n",
              out);
    }
    if (r->streams < r->streams_expected) {
        fputs("warning: streams that should have come are silent\n", out);
    }
}
