#include "tests/bench/load/sdp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LINE_MAX_BYTES = 1024 };

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void write_transport(FILE *f, const struct load_sdp_local *local, const char *setup)
{
    char address[INET_ADDRSTRLEN];
    (void)inet_ntop(AF_INET, &local->address.sin_addr, address, sizeof address);
    fprintf(f, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", local->ufrag, local->pwd);
    fprintf(f, "a=fingerprint:sha-256 %s\r\na=setup:%s\r\n", local->fingerprint, setup);
    fprintf(f, "a=candidate:1 1 udp 2130706431 %s %u typ host\r\n", address,
            ntohs(local->address.sin_port));
}

static void write_video(FILE *f, enum load_codec codec)
{
    const char *name = codec == LOAD_VP8 ? "VP8" : "H264";
    int pt = LOAD_PT_VIDEO;
    fprintf(f, "a=rtpmap:%d %s/90000\r\n", pt, name);
    if (codec == LOAD_H264) {
        fprintf(f,
                "a=fmtp:%d level-asymmetry-allowed=1;packetization-mode=1;"
                "profile-level-id=42e01f\r\n",
                pt);
    }
    fprintf(f, "a=rtcp-fb:%d ccm fir\r\na=rtcp-fb:%d nack\r\na=rtcp-fb:%d nack pli\r\n", pt, pt,
            pt);
    fprintf(f, "a=rtpmap:%d rtx/90000\r\na=fmtp:%d apt=%d\r\n", LOAD_PT_RTX, LOAD_PT_RTX, pt);
}

static void write_ssrcs(FILE *f, const struct load_sdp_line *line)
{
    fputs("a=msid:load load-track\r\n", f);
    if (line->rtx_ssrc) {
        fprintf(f, "a=ssrc-group:FID %u %u\r\n", line->ssrc, line->rtx_ssrc);
        fprintf(f, "a=ssrc:%u cname:load\r\n", line->rtx_ssrc);
    }
    fprintf(f, "a=ssrc:%u cname:load\r\n", line->ssrc);
}

/* What browsers add to each packet that they send. */
static void write_extensions(FILE *f, bool video)
{
    fprintf(f,
            "a=extmap:%d http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
            "\r\na=rtcp-fb:%d transport-cc\r\n",
            LOAD_EXT_TWCC, video ? LOAD_PT_VIDEO : LOAD_PT_OPUS);
    if (!video) {
        fprintf(f, "a=extmap:%d urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n", LOAD_EXT_LEVEL);
    }
}

static void write_line(FILE *f, const struct load_sdp_local *local, enum load_codec codec,
                       const struct load_sdp_line *line, unsigned mid)
{
    if (line->video) {
        fprintf(f, "m=video 9 UDP/TLS/RTP/SAVPF %d %d\r\n", LOAD_PT_VIDEO, LOAD_PT_RTX);
    } else {
        fprintf(f, "m=audio 9 UDP/TLS/RTP/SAVPF %d\r\n", LOAD_PT_OPUS);
    }
    fputs("c=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n", f);
    write_transport(f, local, local->setup);
    fprintf(f, "a=mid:%u\r\na=%s\r\na=rtcp-mux\r\na=rtcp-rsize\r\n", mid,
            line->publish ? "sendonly" : "recvonly");
    if (line->video) {
        write_video(f, codec);
    } else {
        fprintf(f, "a=rtpmap:%d opus/48000/2\r\na=fmtp:%d minptime=10;useinbandfec=1\r\n",
                LOAD_PT_OPUS, LOAD_PT_OPUS);
    }
    if (line->publish) {
        write_extensions(f, line->video);
        write_ssrcs(f, line);
    }
}

char *load_sdp_offer(const struct load_sdp_local *local, enum load_codec codec,
                     const struct load_sdp_line *lines, unsigned count)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f) {
        return NULL;
    }
    fputs("v=0\r\no=- 7734 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE", f);
    for (unsigned i = 0; i < count; i++) {
        fprintf(f, " %u", i);
    }
    fputs("\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS *\r\na=ice-options:ice2\r\n", f);
    for (unsigned i = 0; i < count; i++) {
        write_line(f, local, codec, &lines[i], i);
    }
    return fclose(f) == 0 ? text : NULL;
}

/* Copies the next line without its end; false at the end of the text.  Longer lines are cut. */
static bool next_line(const char **at, char line[LINE_MAX_BYTES])
{
    size_t len = strcspn(*at, "\r\n");
    if (**at == '\0') {
        return false;
    }
    (void)snprintf(line, LINE_MAX_BYTES, "%.*s", (int)len, *at);
    *at += len;
    *at += strspn(*at, "\r\n");
    return true;
}

/* Lines of an offer that an answer which accepts everything repeats. */
static bool repeated(const char *line)
{
    static const char *const prefixes[] = {
        "v=",      "s=",         "t=",         "a=group:", "a=mid:",      "a=rtpmap:",
        "a=fmtp:", "a=rtcp-fb:", "a=rtcp-mux", "c=",       "a=rtcp-rsize"};
    if (strstr(line, "transport-cc")) {
        return false; /* nothing here sends that feedback */
    }
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (has_prefix(line, prefixes[i])) {
            return true;
        }
    }
    return false;
}

char *load_sdp_answer(const struct load_sdp_local *local, const char *offer)
{
    char *text = NULL, line[LINE_MAX_BYTES];
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f) {
        return NULL;
    }
    while (next_line(&offer, line)) {
        if (has_prefix(line, "o=")) {
            fputs("o=- 7735 1 IN IP4 127.0.0.1\r\n", f);
        } else if (has_prefix(line, "m=")) {
            fprintf(f, "%s\r\n", line);
        } else if (has_prefix(line, "a=mid:")) {
            fprintf(f, "%s\r\na=recvonly\r\n", line);
            write_transport(f, local, "active");
        } else if (repeated(line)) {
            fprintf(f, "%s\r\n", line);
        }
    }
    return fclose(f) == 0 ? text : NULL;
}

static void read_mline(struct load_sdp_remote *r, const char *value)
{
    char kind[16] = "";
    unsigned port = 0;
    if (sscanf(value, "%15s %u", kind, &port) == 2) {
        r->lines++;
        r->rejected += port == 0;
    }
}

static void read_ufrag(struct load_sdp_remote *r, const char *value)
{
    (void)snprintf(r->ufrag, sizeof r->ufrag, "%s", value);
}

static void read_pwd(struct load_sdp_remote *r, const char *value)
{
    (void)snprintf(r->pwd, sizeof r->pwd, "%s", value);
}

static void read_fingerprint(struct load_sdp_remote *r, const char *value)
{
    (void)snprintf(r->fingerprint, sizeof r->fingerprint, "%s", value);
}

static void read_candidate(struct load_sdp_remote *r, const char *value)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    char transport[8] = "", address[64] = "";
    unsigned component = 0, port = 0;
    if (r->candidate_count < LOAD_CANDIDATES_MAX &&
        sscanf(value, "%*s %u %7s %*u %63s %u typ host", &component, transport, address, &port) ==
            4 &&
        component == 1 && strcasecmp(transport, "udp") == 0 && port > 0 && port <= 65535 &&
        inet_pton(AF_INET, address, &a.sin_addr) == 1) {
        a.sin_port = htons((uint16_t)port);
        for (unsigned i = 0; i < r->candidate_count; i++) {
            if (memcmp(&r->candidates[i], &a, sizeof a) == 0) {
                return; /* each m-line repeats them */
            }
        }
        r->candidates[r->candidate_count++] = a;
    }
}

static void read_rtpmap(struct load_sdp_remote *r, const char *value)
{
    static const struct {
        const char *name;
        enum load_kind kind;
        enum load_codec codec;
    } rows[] = {{"opus/", LOAD_AUDIO, LOAD_VP8},
                {"VP8/", LOAD_VIDEO, LOAD_VP8},
                {"H264/", LOAD_VIDEO, LOAD_H264},
                {"rtx/", LOAD_RTX, LOAD_VP8}};
    unsigned pt = 0;
    int at = 0;
    if (sscanf(value, "%u %n", &pt, &at) != 1 || pt > 127) {
        return;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strncasecmp(value + at, rows[i].name, strlen(rows[i].name)) == 0) {
            r->kinds[pt] = (uint8_t)rows[i].kind;
            r->codec = rows[i].kind == LOAD_VIDEO ? rows[i].codec : r->codec;
        }
    }
}

static void read_extmap(struct load_sdp_remote *r, const char *value)
{
    unsigned id = 0;
    if (sscanf(value, "%u", &id) == 1 && id < 16 && r->lines > 0 && r->lines <= LOAD_PUBLISH_MAX) {
        r->exts[r->lines - 1][id] = true;
    }
}

static void read_group(struct load_sdp_remote *r, const char *value)
{
    uint32_t media, rtx;
    if (r->rtx_count < LOAD_RTX_MAX &&
        sscanf(value, "FID %" SCNu32 " %" SCNu32, &media, &rtx) == 2) {
        r->rtx[r->rtx_count].media = media;
        r->rtx[r->rtx_count++].rtx = rtx;
    }
}

int load_sdp_read(const char *sdp, struct load_sdp_remote *ret_remote)
{
    static const struct {
        const char *prefix;
        void (*read)(struct load_sdp_remote *r, const char *value);
    } rows[] = {{"m=", read_mline},
                {"a=ice-ufrag:", read_ufrag},
                {"a=ice-pwd:", read_pwd},
                {"a=fingerprint:sha-256 ", read_fingerprint},
                {"a=candidate:", read_candidate},
                {"a=rtpmap:", read_rtpmap},
                {"a=extmap:", read_extmap},
                {"a=ssrc-group:", read_group}};
    struct load_sdp_remote r = {0};
    char line[LINE_MAX_BYTES];
    while (next_line(&sdp, line)) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            if (has_prefix(line, rows[i].prefix)) {
                rows[i].read(&r, line + strlen(rows[i].prefix));
            }
        }
    }
    if (!r.ufrag[0] || !r.pwd[0] || !r.fingerprint[0] || r.candidate_count == 0) {
        return -EBADMSG;
    }
    *ret_remote = r;
    return 0;
}
