/*
 * sfu/include/sfu/limits.h - every bound that input can run into: one table.
 *
 * SFU_MAX_<ID> is the default as a constant, for array sizes and pure parsers.  Rows whose lowest
 * and highest differ are keys of the section "limits" of the configuration: code that can reach the
 * configuration uses sfu_conf.limits[SFU_LIMIT_<ID>].  The table is const; any thread.
 */
#pragma once

#include <stdint.h>

#include "sfu/err.h"

/* X(ID, name, value, lowest, highest, unit, error returned, text) */
/* clang-format off */
#define SFU_LIMITS(X)                                                                              \
    /* rooms */                                                                                    \
    X(ROOMS, "rooms", 1000, 1, 100000, "rooms", QUOTA, "open rooms on this server")                \
    X(ROOM_PARTICIPANTS, "room_participants", 200, 1, 10000, "participants", QUOTA, "participants of one room") \
    X(ROOM_VIEWERS, "room_viewers", 2000, 0, 100000, "viewers", QUOTA, "viewers by HTTP (WHEP) of one room") \
    X(PEERS, "peers", 4000, 1, 100000, "peers", UNAVAILABLE, "peer connections on this server")    \
    X(WORKER_PEERS, "worker_peers", 2000, 1, 16384, "peers", UNAVAILABLE, "peer connections of one worker") \
    X(ROOM_NAME_BYTES, "room_name_bytes", 128, 128, 128, "bytes", INVALID_PARAM, "a room's name in UTF-8") \
    X(IDENTITY_BYTES, "identity_bytes", 128, 128, 128, "bytes", INVALID_PARAM, "a participant's identity in UTF-8") \
    X(DISPLAY_NAME_BYTES, "display_name_bytes", 128, 128, 128, "bytes", INVALID_PARAM, "a participant's name in UTF-8") \
    X(METADATA_BYTES, "metadata_bytes", 4096, 0, 16384, "bytes", TOO_LARGE, "metadata of one participant or room") \
    X(PUBLISHED_TRACKS, "published_tracks", 8, 1, 32, "tracks", QUOTA, "tracks that one participant publishes") \
    X(SLOT_PAIRS, "slot_pairs", 50, 1, 60, "pairs", QUOTA, "pairs of receive slots of one peer")   \
    /* session descriptions and media */                                                           \
    X(SDP_BYTES, "sdp_bytes", 524288, 524288, 524288, "bytes", TOO_LARGE, "one session description") \
    X(SDP_LINES, "sdp_lines", 16384, 16384, 16384, "lines", INVALID_SDP, "lines of one session description") \
    X(SDP_LINE_BYTES, "sdp_line_bytes", 4096, 4096, 4096, "bytes", INVALID_SDP, "one line of a session description") \
    X(M_LINES, "m_lines", 128, 128, 128, "m-lines", INVALID_SDP, "media sections of one session description") \
    X(SDP_FORMATS, "sdp_formats", 64, 64, 64, "formats", INVALID_SDP, "payload types of one media section") \
    X(SDP_EXTENSIONS, "sdp_extensions", 32, 32, 32, "extensions", INVALID_SDP, "header extensions of one media section") \
    X(RIDS, "rids", 3, 3, 3, "encodings", INVALID_SDP, "simulcast encodings of one media section") \
    X(CANDIDATES, "candidates", 64, 64, 64, "candidates", INVALID_SDP, "candidates of one session description") \
    X(ANNOUNCED_ADDRESSES, "announced_addresses", 16, 16, 16, "addresses", INVALID_PARAM, "host candidates in our answers") \
    X(ICE_SERVER_URLS, "ice_server_urls", 8, 8, 8, "URLs", INVALID_PARAM, "STUN and TURN servers told to clients") \
    X(PEER_SSRCS, "peer_ssrcs", 64, 64, 64, "SSRCs", QUOTA, "SSRCs that one peer may send")        \
    X(RTP_PACKET_BYTES, "rtp_packet_bytes", 1500, 1500, 1500, "bytes", TOO_LARGE, "one RTP or RTCP packet on the wire") \
    X(STUN_BYTES, "stun_bytes", 1280, 1280, 1280, "bytes", TOO_LARGE, "one STUN message on the wire") \
    X(DTLS_HANDSHAKE_DATAGRAMS, "dtls_handshake_datagrams", 128, 128, 128, "datagrams", QUOTA, "datagrams taken from a peer before its handshake is done") \
    X(DTLS_HANDSHAKES_PER_SECOND, "dtls_handshakes_per_second", 1500, 1, 5000, "1/s", UNAVAILABLE, "handshake steps of one worker") \
    X(TCP_STRANGERS, "tcp_strangers", 256, 1, 4096, "connections", UNAVAILABLE, "connections to one worker that have not shown a valid check yet (ICE over TCP)") \
    X(TCP_NETWORK_STRANGERS, "tcp_network_strangers", 32, 1, 4096, "connections", RATE_LIMITED, "of those: from one network (IPv4 /24, IPv6 /56)") \
    X(TCP_QUEUE_BYTES, "tcp_queue_bytes", 262144, 262144, 262144, "bytes", SLOW_CONSUMER, "media waiting for one TCP connection to take it") \
    X(TCP_QUEUE_MS, "tcp_queue_ms", 300, 300, 300, "ms", SLOW_CONSUMER, "age of media waiting for one TCP connection, above which video waits for a key frame") \
    X(HISTORY_BYTES, "history_bytes", 524288, 524288, 524288, "bytes", INTERNAL, "packets kept for retransmission per source and worker") \
    X(HISTORY_MS, "history_ms", 1000, 1000, 1000, "ms", INTERNAL, "age of packets kept for retransmission") \
    X(KEYFRAME_BYTES, "keyframe_bytes", 262144, 262144, 262144, "bytes", INTERNAL, "key frame kept for newcomers per encoding") \
    X(WORKER_RING_BYTES, "worker_ring_bytes", 1048576, 1048576, 1048576, "bytes", INTERNAL, "media on its way from one worker to another") \
    X(WORKER_ROOM_PEERS, "worker_room_peers", 50, 1, 16384, "peers", INTERNAL, "peers of one room on its first worker: more of them go to another") \
    X(WORKER_BUSY_PERCENT, "worker_busy_percent", 70, 1, 100, "%", INTERNAL, "busy share of a room's worker: above it newcomers go to another") \
    X(DATA_MESSAGE_BYTES, "data_message_bytes", 65536, 16384, 65536, "bytes", TOO_LARGE, "one message on a data channel, its line included") \
    X(DATA_BYTES_PER_SECOND, "data_bytes_per_second", 1048576, 16384, 134217728, "bytes/s", RATE_LIMITED, "SCTP packets of one peer, over time; each counts for 256 at least") \
    X(DATA_BYTES_BURST, "data_bytes_burst", 131072, 131072, 16777216, "bytes", RATE_LIMITED, "SCTP packets of one peer at once") \
    X(DATA_MESSAGES_PER_SECOND, "data_messages_per_second", 200, 1, 10000, "1/s", RATE_LIMITED, "messages on data channels of one peer, over time") \
    X(DATA_MESSAGES_BURST, "data_messages_burst", 400, 1, 10000, "messages", RATE_LIMITED, "messages on data channels of one peer at once") \
    X(DATA_FANOUT_BYTES_PER_SECOND, "data_fanout_bytes_per_second", 8388608, 65536, 1073741824, "bytes/s", RATE_LIMITED, "messages on data channels of one peer times their receivers, over time") \
    X(DATA_SEND_BYTES, "data_send_bytes", 262144, 65536, 16777216, "bytes", SLOW_CONSUMER, "messages that wait for one reader of data channels") \
    X(DATA_QUEUE_BYTES, "data_queue_bytes", 8388608, 1048576, 268435456, "bytes", UNAVAILABLE, "messages on their way from and to the thread of data channels, each way") \
    X(WORKERS, "workers", 64, 64, 64, "threads", INVALID_PARAM, "media workers")                   \
    /* signalling and HTTP */                                                                      \
    X(WS_MESSAGE_BYTES, "ws_message_bytes", 524288, 65536, 524288, "bytes", TOO_LARGE, "one WebSocket message") \
    X(WS_FRAGMENTS, "ws_fragments", 64, 64, 64, "fragments", TOO_LARGE, "fragments of one WebSocket message") \
    X(WS_SEND_QUEUE_BYTES, "ws_send_queue_bytes", 4194304, 1048576, 67108864, "bytes", SLOW_CONSUMER, "messages waiting for one WebSocket to take them") \
    X(HTTP_HEADER_BYTES, "http_header_bytes", 8192, 8192, 8192, "bytes", HEADERS_TOO_LARGE, "all headers of one request") \
    X(HTTP_BODY_BYTES, "http_body_bytes", 1048576, 65536, 16777216, "bytes", TOO_LARGE, "body of one request") \
    X(HTTP_URL_BYTES, "http_url_bytes", 2048, 2048, 2048, "bytes", TOO_LARGE, "path and query of one request") \
    X(TOKEN_BYTES, "token_bytes", 4096, 4096, 4096, "bytes", UNAUTHENTICATED, "one access token")  \
    X(JSON_DEPTH, "json_depth", 16, 16, 16, "levels", PARSE_ERROR, "nesting of one JSON text")     \
    X(JSON_VALUES, "json_values", 8192, 8192, 8192, "values", PARSE_ERROR, "values of one JSON text") \
    X(RPC_IN_FLIGHT, "rpc_in_flight", 32, 1, 1024, "calls", RATE_LIMITED, "unanswered calls of one session") \
    X(RPC_PER_SECOND, "rpc_per_second", 50, 1, 10000, "1/s", RATE_LIMITED, "calls of one session, over time") \
    X(RPC_BURST, "rpc_burst", 100, 1, 10000, "calls", RATE_LIMITED, "calls of one session at once") \
    X(RESUME_EVENTS, "resume_events", 1024, 64, 16384, "events", RESUME_FAILED, "events kept for a session that is detached") \
    X(RESUME_BYTES, "resume_bytes", 1048576, 65536, 16777216, "bytes", RESUME_FAILED, "events kept for a session that is detached") \
    X(CONNECTIONS, "connections", 10000, 16, 100000, "connections", UNAVAILABLE, "HTTP and WebSocket connections of this server") \
    X(NETWORK_UNAUTHENTICATED, "network_unauthenticated", 64, 4, 10000, "connections", RATE_LIMITED, "connections without a token from one network (IPv4 /24, IPv6 /56)") \
    X(MEMORY_HIGH_MIB, "memory_high_mib", 0, 0, 1048576, "MiB", UNAVAILABLE, "resident memory above which new sessions are refused; 0: 3/4 of the machine") \
    X(PLUGINS, "plugins", 32, 32, 32, "plugins", INVALID_PARAM, "plugins loaded at once")          \
    /* time: every state has a deadline */                                                         \
    X(SESSION_OPENING_MS, "session_opening_ms", 5000, 1000, 60000, "ms", TIMEOUT, "from the socket's opening to a valid first message") \
    X(SESSION_DETACHED_MS, "session_detached_ms", 30000, 1000, 600000, "ms", RESUME_FAILED, "a session without any lane waits for its client") \
    X(SESSION_IDLE_MS, "session_idle_ms", 60000, 10000, 600000, "ms", IDLE, "a WebSocket without any message or pong") \
    X(TCP_CHECK_MS, "tcp_check_ms", 5000, 500, 30000, "ms", TIMEOUT, "from a media connection's opening to a valid check (ICE over TCP)") \
    X(PEER_ICE_MS, "peer_ice_ms", 10000, 1000, 60000, "ms", TIMEOUT, "from the answer to the first nominated pair") \
    X(PEER_DTLS_MS, "peer_dtls_ms", 10000, 1000, 60000, "ms", TIMEOUT, "from the first pair to the end of the handshake") \
    X(PEER_STALE_MS, "peer_stale_ms", 8000, 1000, 30000, "ms", TIMEOUT, "without a valid packet a peer counts as reconnecting") \
    X(PEER_CONSENT_MS, "peer_consent_ms", 30000, 5000, 60000, "ms", TIMEOUT, "without consent a peer is closed (RFC 7675)") \
    X(HTTP_REQUEST_MS, "http_request_ms", 15000, 1000, 60000, "ms", TIMEOUT, "from a connection's opening to a complete request") \
    X(DRAIN_MS, "drain_ms", 5000, 0, 3600000, "ms", DRAINING, "the most that ending open sessions may take after SIGTERM") \
    X(WORKER_SILENT_MS, "worker_silent_ms", 2000, 500, 60000, "ms", INTERNAL, "a worker that does not turn: the process exits")
/* clang-format on */

enum sfu_limit {
#define SFU_LIMIT_ROW(id, ...) SFU_LIMIT_##id,
    SFU_LIMITS(SFU_LIMIT_ROW)
#undef SFU_LIMIT_ROW
        SFU_LIMIT_COUNT
};

/* The defaults as constants: SFU_MAX_SDP_BYTES …. */
enum {
#define SFU_LIMIT_ROW(id, name, value, ...) SFU_MAX_##id = (value),
    SFU_LIMITS(SFU_LIMIT_ROW)
#undef SFU_LIMIT_ROW
};

struct sfu_limit_info {
    const char *name;
    const char *unit;
    const char *text;
    uint32_t value, lowest, highest;
    enum sfu_err error;
};

const struct sfu_limit_info *sfu_limit_info(enum sfu_limit limit);
void sfu_limit_print_markdown(struct sfu_str *out);
