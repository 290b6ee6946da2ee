#include "tests/bench/load/report.h"

#include <inttypes.h>

#include "tests/bench/load/hist.h"

enum { STALL_NS = 30000000 };

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

static void set_real(json_t *o, const char *name, double value)
{
    json_object_set_new(o, name, json_real(value));
}

static void set_whole(json_t *o, const char *name, uint64_t value)
{
    json_object_set_new(o, name, json_integer((json_int_t)value));
}

static json_t *scenario(const struct load_report *r)
{
    const struct load_conf *c = r->conf;
    json_t *o = json_object();
    json_object_set_new(o, "server", json_string(server_name(r)));
    json_object_set_new(o, "source", json_string(source_name(r)));
    json_object_set_new(o, "pacing", json_string(c->pacing == LOAD_BURST ? "burst" : "even"));
    json_object_set_new(o, "audio", json_boolean(c->audio));
    json_object_set_new(o, "whip", json_boolean(c->whip));
    json_object_set_new(o, "whep", json_boolean(c->whep));
    json_object_set_new(o, "gro", json_boolean(c->gro));
    json_object_set_new(o, "nack", json_boolean(c->nack));
    set_whole(o, "rooms", c->rooms);
    set_whole(o, "publishers", c->publishers);
    set_whole(o, "subscribers", c->subscribers);
    set_whole(o, "meeting", c->meeting);
    set_whole(o, "join_storm", c->join_storm);
    set_real(o, "ramp_per_s", c->ramp);
    set_whole(o, "seconds", c->seconds);
    set_whole(o, "warmup_s", c->warmup_s);
    set_whole(o, "packet_bytes", c->packet_bytes);
    set_real(o, "packet_rate", c->packet_rate);
    set_real(o, "fps", c->fps);
    set_whole(o, "video_kbps", c->video_kbps);
    set_whole(o, "sample", c->sample);
    set_whole(o, "lose_percent", c->lose_percent);
    return o;
}

static json_t *percentiles(const struct load_hist *h, double unit)
{
    return json_pack("{s:f, s:f}", "p50", (double)load_hist_at(h, 0.5) / unit, "p99",
                     (double)load_hist_at(h, 0.99) / unit);
}

static json_t *joins(const struct load_joins *j)
{
    json_t *o = json_pack("{s:i, s:i}", "count", (int)j->count, "failed", (int)j->failed);
    json_object_set_new(o, "answer", percentiles(&j->answer_us, 1000));
    json_object_set_new(o, "ice", percentiles(&j->ice_us, 1000));
    json_object_set_new(o, "dtls", percentiles(&j->dtls_us, 1000));
    json_object_set_new(o, "first_packet", percentiles(&j->packet_us, 1000));
    json_object_set_new(o, "key_frame", percentiles(&j->key_us, 1000));
    return o;
}

static json_t *delay(const struct load_hist *h)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:I}", "p50", (double)load_hist_at(h, 0.5) / 1000, "p99",
                     (double)load_hist_at(h, 0.99) / 1000, "p999",
                     (double)load_hist_at(h, 0.999) / 1000, "max", (double)h->max / 1000, "count",
                     (json_int_t)h->count);
}

static json_t *server(const struct load_report *r)
{
    const struct load_proc *p = &r->server;
    double n = (double)r->delivered, all = cpu_us(r), user = user_us(r);
    json_t *o = json_object();
    set_real(o, "cpu_user_us", user);
    set_real(o, "cpu_system_us", all - user);
    set_real(o, "cpu_us_per_packet", ratio(all, n));
    set_real(o, "cpu_user_us_per_packet", ratio(user, n));
    set_real(o, "cpu_system_us_per_packet", ratio(all - user, n));
    set_whole(o, "rss_kib", p->rss_kib);
    set_whole(o, "pss_kib", p->pss_kib);
    set_whole(o, "rss_start_kib", r->server_at_start.rss_kib);
    set_whole(o, "pss_start_kib", r->server_at_start.pss_kib);
    set_whole(o, "threads", p->threads);
    set_whole(o, "threads_start", r->server_at_start.threads);
    set_whole(o, "fds", p->fds);
    set_whole(o, "fds_start", r->server_at_start.fds);
    set_whole(o, "voluntary_switches", p->voluntary);
    set_whole(o, "involuntary_switches", p->involuntary);
    return o;
}

static json_t *storm(const struct load_report *r)
{
    json_t *o = json_object();
    set_real(o, "seconds", r->storm_seconds);
    set_real(o, "server_cpu_us", (double)r->storm_cpu_ns / 1000);
    set_whole(o, "packets_delivered", r->storm_delivered);
    json_object_set_new(o, "delay_us", delay(&r->storm_delay_ns));
    return o;
}

static json_t *generator(const struct load_report *r)
{
    json_t *o = json_object();
    set_real(o, "cpu_share", r->generator_share);
    set_whole(o, "rx_lost", r->rx_lost);
    set_real(o, "stall_ms", (double)r->stall_ns / 1e6);
    set_whole(o, "clock_steps", r->clock_steps);
    set_whole(o, "opened", r->opened);
    set_whole(o, "bad", r->bad);
    set_whole(o, "unknown", r->unknown);
    return o;
}

json_t *load_report_json(const struct load_report *r)
{
    json_t *o = json_object();
    json_object_set_new(o, "scenario", scenario(r));
    json_object_set_new(o, "srtp_profile", json_string(r->profile));
    set_real(o, "measured_s", r->seconds);
    set_whole(o, "packets_in_server", r->sent);
    set_whole(o, "packets_expected", r->expected);
    set_whole(o, "packets_delivered", r->delivered);
    set_whole(o, "bytes_delivered", r->bytes);
    set_real(o, "packets_per_s", ratio((double)r->delivered, r->seconds));
    set_whole(o, "lost", r->lost);
    set_real(o, "lost_ratio", lost_ratio(r));
    set_whole(o, "reordered", r->reordered);
    set_whole(o, "duplicates", r->doubles);
    set_whole(o, "nacked", r->nacked);
    set_whole(o, "retransmitted", r->retransmitted);
    set_whole(o, "recovered", r->recovered);
    set_whole(o, "streams", r->streams);
    set_whole(o, "streams_expected", r->streams_expected);
    json_object_set_new(o, "delay_us", delay(&r->delay_ns));
    json_object_set_new(o, "join_ms", joins(&r->joins));
    json_object_set_new(o, "server", r->has_server ? server(r) : json_null());
    json_object_set_new(o, "generator", generator(r));
    if (r->conf->join_storm > 0) {
        json_object_set_new(o, "storm", storm(r));
    }
    set_real(o, "steal_ratio", r->steal);
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
    if (r->stall_ns > STALL_NS) {
        fprintf(
            out,
            "warning: the generator stood still for %.0f ms: if the whole machine did, so did the "
            "server\n",
            (double)r->stall_ns / 1e6);
    }
    if (r->clock_steps > 0) {
        fputs("warning: the machine's clock was set meanwhile: the longest delays are wrong\n",
              out);
    }
    if (r->streams < r->streams_expected) {
        fputs("warning: streams that should have come are silent\n", out);
    }
}
