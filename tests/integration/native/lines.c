#include "tests/integration/native/lines.h"

#include <glib.h>

static unsigned add_line(const struct nat_peer_conf *conf, struct nat_offer *offer, bool video,
                         const char *msid)
{
    unsigned mid = offer->count++;
    offer->lines[mid] = (struct nat_mline){.video = video,
                                           .publish = msid != NULL,
                                           .msid = msid,
                                           .red = !video && conf->red,
                                           .vp9 = video && conf->vp9};
    if (msid) {
        offer->lines[mid].ssrc = g_random_int() | 1;
        offer->lines[mid].rtx_ssrc = video ? g_random_int() | 1 : 0;
    }
    return mid;
}

/* One encoding. */
static void publish(const struct nat_peer_conf *conf, struct nat_media *media,
                    struct nat_offer *offer, bool video, const char *source, const char *msid)
{
    unsigned mid = add_line(conf, offer, video, msid);
    const struct nat_mline *line = &offer->lines[mid];
    nat_media_publish(media, &(struct nat_tx_conf){
                                 .video = video,
                                 .vp9 = line->vp9,
                                 .source = source,
                                 .mid = mid,
                                 .index = conf->index,
                                 .ssrc = line->ssrc,
                                 .rtx_ssrc = line->rtx_ssrc,
                                 .delay_us = video ? conf->video_delay_us : 0,
                                 .width = conf->width,
                                 .height = conf->height,
                                 .fps = conf->fps,
                                 .kbps = conf->kbps,
                                 .silent = conf->silent,
                                 .drop_percent = conf->drop_out_percent,
                             });
}

/* One m-line, three encodings. */
static void publish_simulcast(const struct nat_peer_conf *conf, struct nat_media *media,
                              struct nat_offer *offer)
{
    unsigned mid = add_line(conf, offer, true, "camera-stream");
    offer->lines[mid].simulcast = true;
    for (unsigned i = 0; i < NAT_ENCODINGS; i++) {
        unsigned shift = NAT_ENCODINGS - 1 - i;
        nat_media_publish(media, &(struct nat_tx_conf){
                                     .video = true,
                                     .source = "camera",
                                     .mid = mid,
                                     .index = conf->index,
                                     .rid = "qhf"[i],
                                     .ssrc = g_random_int() | 1,
                                     .rtx_ssrc = g_random_int() | 1,
                                     .width = conf->width >> shift,
                                     .height = conf->height >> shift,
                                     .fps = conf->fps,
                                     .kbps = conf->kbps >> (2 * shift),
                                     .drop_percent = conf->drop_out_percent,
                                 });
    }
}

/* In the order that nat_lines_tracks counts by. */
void nat_lines_build(const struct nat_peer_conf *conf, bool data, struct nat_media *media,
                     struct nat_offer *offer)
{
    if (conf->publish & NAT_MICROPHONE) {
        publish(conf, media, offer, false, "microphone", "camera-stream");
    }
    if (conf->publish & NAT_CAMERA && conf->simulcast) {
        publish_simulcast(conf, media, offer);
    } else if (conf->publish & NAT_CAMERA) {
        publish(conf, media, offer, true, "camera", "camera-stream");
    }
    if (conf->publish & NAT_SCREEN) {
        publish(conf, media, offer, true, "screen", "screen-stream");
    }
    for (unsigned i = 0; i < conf->pairs && offer->count + 2 <= NAT_MLINES_MAX; i++) {
        add_line(conf, offer, false, NULL);
        add_line(conf, offer, true, NULL);
    }
    if (data && offer->count < NAT_MLINES_MAX) {
        offer->lines[add_line(conf, offer, false, NULL)].data = true;
    }
}

json_t *nat_lines_tracks(unsigned bits)
{
    static const struct {
        unsigned bit;
        const char *source;
    } order[] = {{NAT_MICROPHONE, "microphone"}, {NAT_CAMERA, "camera"}, {NAT_SCREEN, "screen"}};
    json_t *tracks = json_array();
    unsigned mid = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
        if (bits & order[i].bit) {
            char text[12];
            g_snprintf(text, sizeof text, "%u", mid++);
            json_array_append_new(tracks,
                                  json_pack("{s:s, s:s}", "mid", text, "source", order[i].source));
        }
    }
    return tracks;
}
