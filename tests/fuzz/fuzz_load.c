/* What stoa-load reads of a server's bytes: SDP, answers by HTTP, RTP headers and payloads; and its cutting of real frames. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/load/http.h"
#include "tests/bench/load/payload.h"
#include "tests/bench/load/rx.h"
#include "tests/bench/load/sdp.h"
#include "tests/bench/load/stamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 50, CAP = 64 };

static void check(bool ok)
{
    if (!ok) {
        abort();
    }
}

static void sdp(const char *text)
{
    struct load_sdp_local local = {
        .ufrag = "u", .pwd = "p", .fingerprint = "AB", .setup = "actpass"};
    struct load_sdp_remote remote;
    char *answer = load_sdp_answer(&local, text);
    check(answer != NULL);
    free(answer);
    if (load_sdp_read(text, &remote) == 0) {
        check(remote.ufrag[0] && remote.pwd[0] && remote.fingerprint[0]);
        check(remote.candidate_count > 0 && remote.candidate_count <= LOAD_CANDIDATES_MAX);
        check(remote.rtx_count <= LOAD_RTX_MAX && remote.rejected <= remote.lines);
    }
}

static void http(const char *text, size_t size)
{
    struct load_http_answer answer;
    if (load_http_read(text, size, &answer) == 0) {
        check(answer.status >= 200 && strlen(answer.location) < sizeof answer.location);
        check(answer.body > text && answer.body <= text + size);
    }
}

static void rtp(const uint8_t *data, size_t size)
{
    struct load_rtp head;
    struct load_rx rx[] = {{.codec = LOAD_VP8}, {.codec = LOAD_H264}};
    int64_t sent_ns;
    if (!load_rtp_read(data, size, &head)) {
        return;
    }
    check(head.head >= 12 && head.head <= size);
    for (size_t i = 0; i < 2; i++) {
        (void)load_rx_key(&rx[i], &head, data + head.head, size - head.head);
    }
    (void)load_stamp_find(data + head.head, size - head.head, &sent_ns);
}

static void split(enum load_codec codec, const uint8_t *data, size_t size)
{
    struct load_piece pieces[CAP];
    unsigned n = load_payload_split(codec, data, size, ROOM, pieces, CAP);
    check(n <= CAP);
    for (unsigned i = 0; i < n; i++) {
        check(pieces[i].len + pieces[i].head_len <= ROOM && pieces[i].len > 0);
        check(pieces[i].data >= data && pieces[i].data + pieces[i].len <= data + size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    check(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    sdp(text);
    http(text, size);
    rtp(data, size);
    split(LOAD_VP8, data, size);
    split(LOAD_H264, data, size);
    free(text);
    return 0;
}
