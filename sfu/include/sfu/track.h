/*
 * sfu/include/sfu/track.h - what a track is: its kind and its source.
 */
#pragma once

enum sfu_kind { SFU_AUDIO, SFU_VIDEO, SFU_KIND_COUNT };

/* What is captured.  Microphone and camera form the group "camera", the other two the group
 * "screen": one group of one participant always goes to one pair of slots, because browsers
 * synchronise by msid stream. */
enum sfu_source { SFU_MICROPHONE, SFU_CAMERA, SFU_SCREEN_AUDIO, SFU_SCREEN, SFU_SOURCE_COUNT };

enum sfu_group { SFU_GROUP_CAMERA, SFU_GROUP_SCREEN, SFU_GROUP_COUNT };

static inline enum sfu_group sfu_source_group(enum sfu_source s)
{
    return s == SFU_MICROPHONE || s == SFU_CAMERA ? SFU_GROUP_CAMERA : SFU_GROUP_SCREEN;
}

static inline enum sfu_kind sfu_source_kind(enum sfu_source s)
{
    return s == SFU_MICROPHONE || s == SFU_SCREEN_AUDIO ? SFU_AUDIO : SFU_VIDEO;
}
