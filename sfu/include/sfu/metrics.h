/*
 * sfu/include/sfu/metrics.h - every counter, gauge and histogram, and every reason to drop
 * something.
 *
 * One table of families (what Prometheus calls a metric) and one of rows (a family with one label
 * value).  The tables are const; the numbers live in sfu/base/stat.h.
 */
#pragma once

#include <stdint.h>

#include "sfu/err.h"

/* F(FAMILY, name, type, label key or NULL, help) */
/* clang-format off */
#define SFU_METRIC_FAMILIES(F)                                                                     \
    F(DROPS, "stoa_drops_total", COUNTER, "reason", "Packets, messages and connections that were dropped, by reason") \
    F(MEDIA_PACKETS, "stoa_media_packets_total", COUNTER, "direction", "RTP packets that passed, by direction") \
    F(MEDIA_BYTES, "stoa_media_bytes_total", COUNTER, "direction", "Bytes of those packets without UDP and IP headers") \
    F(DATAGRAMS, "stoa_datagrams_total", COUNTER, "direction", "Datagrams on the media sockets")   \
    F(TCP, "stoa_media_tcp_total", COUNTER, "event", "ICE over TCP: connections and frames")       \
    F(SYSCALLS, "stoa_media_syscalls_total", COUNTER, "call", "System calls on the media sockets") \
    F(RTX, "stoa_rtx_packets_total", COUNTER, "direction", "Retransmitted RTP packets (RFC 4588)") \
    F(LOSS, "stoa_publisher_packets_total", COUNTER, "fate", "Packets missing from publishers, by what became of them") \
    F(FEEDBACK, "stoa_feedback_total", COUNTER, "kind", "RTCP feedback messages")                  \
    F(DATA, "stoa_data_messages_total", COUNTER, "direction", "Messages on data channels")         \
    F(FORWARDER, "stoa_forwarder_events_total", COUNTER, "event", "What forwarders did")           \
    F(RELAY, "stoa_relay_packets_total", COUNTER, "direction", "Packets from one worker to another") \
    F(ICE, "stoa_ice_events_total", COUNTER, "event", "STUN and ICE")                              \
    F(DTLS, "stoa_dtls_events_total", COUNTER, "event", "DTLS handshakes")                         \
    F(PEER_ENDS, "stoa_peer_ends_total", COUNTER, "reason", "Peers that ended, by reason")         \
    F(LANES, "stoa_lanes_total", COUNTER, "event", "WebSockets opened and closed")                 \
    F(SESSIONS, "stoa_session_events_total", COUNTER, "event", "Life of signalling sessions")      \
    F(MESSAGES, "stoa_signalling_messages_total", COUNTER, "direction", "Signalling messages")     \
    F(HTTP, "stoa_http_responses_total", COUNTER, "class", "HTTP responses by class of status")    \
    F(TOKENS, "stoa_tokens_total", COUNTER, "result", "Access tokens seen")                        \
    F(RPC_ERRORS, "stoa_rpc_errors_total", COUNTER, "code", "Errors answered to clients, by code") \
    F(RINGS, "stoa_ring_full_total", COUNTER, "ring", "Posts between threads that found no space") \
    F(FAULTS, "stoa_faults_total", COUNTER, "kind", "Broken invariants of our own: each is a bug") \
    F(OPEN, "stoa_open", GAUGE, "kind", "Objects that exist now")                                  \
    F(MEMORY, "stoa_resident_memory_bytes", GAUGE, NULL, "Resident memory of the process")         \
    F(HEAP, "stoa_heap_bytes", GAUGE, NULL, "Memory that malloc has given out")                    \
    F(START, "stoa_start_time_seconds", GAUGE, NULL, "Start of the process in Unix time")

/* X(ID, FAMILY, label value or NULL, text) */
#define SFU_METRICS(X)                                                                             \
    /* drops: the socket */                                                                        \
    X(DROP_UDP_KERNEL, DROPS, "udp_kernel", "the socket's buffer was full (SO_RXQ_OVFL)")          \
    X(DROP_UDP_EMPTY, DROPS, "udp_empty", "datagram without a byte")                               \
    X(DROP_UDP_TRUNCATED, DROPS, "udp_truncated", "datagram larger than a receive buffer")         \
    X(DROP_UDP_UNKNOWN_SOURCE, DROPS, "udp_unknown_source", "not STUN and from no validated address") \
    X(DROP_UDP_CLASS, DROPS, "udp_class", "first byte belongs to no protocol (RFC 7983)")          \
    X(DROP_UDP_SEND_FULL, DROPS, "udp_send_full", "the kernel took no more")                       \
    X(DROP_UDP_SEND_ERROR, DROPS, "udp_send_error", "the kernel refused the datagram")             \
    X(DROP_UDP_BATCH_FULL, DROPS, "udp_batch_full", "the send batch or arena of this turn was full") \
    /* drops: TCP */                                                                               \
    X(DROP_TCP_FRAME, DROPS, "tcp_frame", "frame of a wrong length (RFC 4571)")                    \
    X(DROP_TCP_QUEUE, DROPS, "tcp_queue", "send queue full or too old")                            \
    X(DROP_TCP_CONNECTIONS, DROPS, "tcp_connections", "too many connections")                      \
    X(DROP_TCP_STRANGER, DROPS, "tcp_stranger", "connection without a valid check in time")        \
    /* drops: STUN */                                                                              \
    X(DROP_STUN_MALFORMED, DROPS, "stun_malformed", "does not parse (RFC 8489)")                   \
    X(DROP_STUN_TOO_LARGE, DROPS, "stun_too_large", "larger than the limit")                       \
    X(DROP_STUN_NOT_BINDING, DROPS, "stun_not_binding", "not a Binding message")                   \
    X(DROP_STUN_UNKNOWN_UFRAG, DROPS, "stun_unknown_ufrag", "names no peer of this worker")        \
    X(DROP_STUN_INTEGRITY, DROPS, "stun_integrity", "MESSAGE-INTEGRITY missing or wrong")          \
    X(DROP_STUN_FINGERPRINT, DROPS, "stun_fingerprint", "FINGERPRINT missing or wrong")            \
    X(DROP_STUN_UNKNOWN_ATTR, DROPS, "stun_unknown_attr", "unknown comprehension-required attribute") \
    X(DROP_STUN_UNASKED, DROPS, "stun_unasked", "response to no request of ours")                  \
    X(DROP_STUN_RATE, DROPS, "stun_rate", "more requests than one source may send")                \
    X(DROP_STUN_PAIRS, DROPS, "stun_pairs", "the peer has too many address pairs")                 \
    /* drops: DTLS */                                                                              \
    X(DROP_DTLS_UNKNOWN_SOURCE, DROPS, "dtls_unknown_source", "not from a validated address")      \
    X(DROP_DTLS_MALFORMED, DROPS, "dtls_malformed", "no DTLS record")                              \
    X(DROP_DTLS_BUDGET, DROPS, "dtls_budget", "too many datagrams before the handshake was done")  \
    X(DROP_DTLS_DEFERRED, DROPS, "dtls_deferred", "the queue of handshake work was full")          \
    X(DROP_DTLS_RECORD, DROPS, "dtls_record", "OpenSSL ignored or refused the record")             \
    X(DROP_DTLS_APP_DATA, DROPS, "dtls_app_data", "application data of a peer without data channel") \
    X(DROP_DTLS_CLOSED, DROPS, "dtls_closed", "after the end of the association")                  \
    /* drops: SRTP and SRTCP */                                                                    \
    X(DROP_SRTP_NO_KEYS, DROPS, "srtp_no_keys", "before the handshake was done")                   \
    X(DROP_SRTP_SHORT, DROPS, "srtp_short", "shorter than header and tag")                         \
    X(DROP_SRTP_AUTH, DROPS, "srtp_auth", "authentication tag wrong")                              \
    X(DROP_SRTP_REPLAY, DROPS, "srtp_replay", "seen before")                                       \
    X(DROP_SRTP_OLD, DROPS, "srtp_old", "older than the replay window")                            \
    X(DROP_SRTP_STREAMS, DROPS, "srtp_streams", "too many SSRCs")                                  \
    X(DROP_SRTP_OTHER, DROPS, "srtp_other", "refused by the SRTP library for another reason")      \
    X(DROP_SRTP_PROTECT, DROPS, "srtp_protect", "could not be protected")                          \
    X(DROP_SRTCP_SHORT, DROPS, "srtcp_short", "shorter than header, index and tag")                \
    X(DROP_SRTCP_AUTH, DROPS, "srtcp_auth", "authentication tag wrong")                            \
    X(DROP_SRTCP_REPLAY, DROPS, "srtcp_replay", "seen before or too old")                          \
    X(DROP_SRTCP_OTHER, DROPS, "srtcp_other", "refused by the SRTP library for another reason")    \
    /* drops: RTP */                                                                               \
    X(DROP_RTP_MALFORMED, DROPS, "rtp_malformed", "header, CSRC list, extension or padding does not parse (RFC 3550)") \
    X(DROP_RTP_TOO_LARGE, DROPS, "rtp_too_large", "larger than the limit")                         \
    X(DROP_RTP_EXTENSION, DROPS, "rtp_extension", "header extension does not parse (RFC 8285)")    \
    X(DROP_RTP_UNKNOWN_SSRC, DROPS, "rtp_unknown_ssrc", "fits no track of this peer")              \
    X(DROP_RTP_SSRC_LIMIT, DROPS, "rtp_ssrc_limit", "too many SSRCs of this peer")                 \
    X(DROP_RTP_UNKNOWN_PT, DROPS, "rtp_unknown_pt", "payload type was not negotiated")             \
    X(DROP_RTP_DUPLICATE, DROPS, "rtp_duplicate", "sequence number seen before")                   \
    X(DROP_RTP_TOO_OLD, DROPS, "rtp_too_old", "behind what may still be forwarded")                \
    X(DROP_RTP_JUMP, DROPS, "rtp_jump", "sequence number jumped: waiting for a second packet")     \
    X(DROP_RTP_RTX_MALFORMED, DROPS, "rtp_rtx_malformed", "retransmission without original sequence number") \
    X(DROP_RTP_RTX_UNKNOWN, DROPS, "rtp_rtx_unknown", "retransmission of no known stream")         \
    X(DROP_RTP_MUTED, DROPS, "rtp_muted", "the track is muted")                                    \
    X(DROP_RTP_NOT_GRANTED, DROPS, "rtp_not_granted", "the peer may not publish this source")      \
    X(DROP_RTP_PADDING, DROPS, "rtp_padding", "padding only: not forwarded")                       \
    X(DROP_RTP_PAYLOAD, DROPS, "rtp_payload", "payload descriptor does not parse")                 \
    X(DROP_RTP_DESCRIPTOR, DROPS, "rtp_descriptor", "dependency descriptor that says nothing: left out") \
    X(DROP_RTP_RATE, DROPS, "rtp_rate", "more than one peer may send")                             \
    /* drops: forwarding */                                                                        \
    X(DROP_FORWARD_PRESSURE, DROPS, "forward_pressure", "video for a peer whose TCP connection is behind") \
    X(DROP_FORWARD_WAIT_KEY, DROPS, "forward_wait_key", "slot waits for a key frame")              \
    X(DROP_FORWARD_HIDDEN, DROPS, "forward_hidden", "slot is not shown")                           \
    X(DROP_FORWARD_LAYER, DROPS, "forward_layer", "layer is not forwarded to this slot")           \
    X(DROP_FORWARD_SILENT, DROPS, "forward_silent", "not among the loudest")                       \
    X(DROP_FORWARD_LATE, DROPS, "forward_late", "its place in the slot's sequence is gone")        \
    X(DROP_FORWARD_NO_CODEC, DROPS, "forward_no_codec", "the peer did not negotiate this codec")   \
    X(DROP_FORWARD_SIZE, DROPS, "forward_size", "does not fit a packet after rewriting")           \
    X(DROP_FORWARD_RATE, DROPS, "forward_rate", "the slot's rate is used up")                      \
    X(DROP_FORWARD_RING, DROPS, "forward_ring", "ring to another worker was full")                 \
    X(DROP_RELAY_WAIT_KEY, DROPS, "relay_wait_key", "another worker waits for a key frame")        \
    X(DROP_RELAY_BEHIND, DROPS, "relay_behind", "video that came from another worker faster than it was sent") \
    X(DROP_RTX_BUDGET, DROPS, "rtx_budget", "retransmission over the slot's budget")               \
    X(DROP_RTX_TOO_SOON, DROPS, "rtx_too_soon", "asked again within one round trip")               \
    X(DROP_RTX_TOO_OFTEN, DROPS, "rtx_too_often", "asked more than four times")                    \
    X(DROP_RTX_GONE, DROPS, "rtx_gone", "no longer in the history")                                \
    /* drops: RTCP */                                                                              \
    X(DROP_RTCP_MALFORMED, DROPS, "rtcp_malformed", "compound packet does not parse (RFC 3550)")   \
    X(DROP_RTCP_TOO_LARGE, DROPS, "rtcp_too_large", "larger than the limit")                       \
    X(DROP_RTCP_UNKNOWN_TYPE, DROPS, "rtcp_unknown_type", "packet type or format is not used here") \
    X(DROP_RTCP_UNKNOWN_SSRC, DROPS, "rtcp_unknown_ssrc", "concerns no stream of this peer")       \
    X(DROP_RTCP_RATE, DROPS, "rtcp_rate", "more feedback than one peer may send")                  \
    X(DROP_RTCP_REPORT, DROPS, "rtcp_report", "report with impossible numbers")                    \
    X(DROP_RTCP_NACK, DROPS, "rtcp_nack", "NACK for more than can be asked")                       \
    /* drops: SCTP and data channels */                                                            \
    X(DROP_SCTP_RING, DROPS, "sctp_ring", "ring to or from the SCTP thread was full")              \
    X(DROP_SCTP_MALFORMED, DROPS, "sctp_malformed", "no SCTP packet")                              \
    X(DROP_SCTP_DEAR, DROPS, "sctp_dear", "more resets or foreign tags than one peer may send")    \
    X(DROP_DATA_QUEUE, DROPS, "data_queue", "slow reader of a data channel")                       \
    X(DROP_DATA_RATE, DROPS, "data_rate", "SCTP packet over the bytes that one peer may send")     \
    X(DROP_DATA_MESSAGES, DROPS, "data_messages", "more messages than one peer may send")          \
    X(DROP_DATA_BUSY, DROPS, "data_busy", "message on its way through the server: a queue was full") \
    X(DROP_DATA_REFUSED, DROPS, "data_refused", "message whose line, receivers or sender are not right") \
    /* drops: signalling */                                                                        \
    X(DROP_SIG_ORIGIN, DROPS, "signalling_origin", "WebSocket from a foreign origin")              \
    X(DROP_SIG_PROTOCOL, DROPS, "signalling_protocol", "WebSocket without our sub-protocol")       \
    X(DROP_SIG_CONNECTIONS, DROPS, "signalling_connections", "too many connections")               \
    X(DROP_SIG_NETWORK, DROPS, "signalling_network", "too many connections without token from one network") \
    X(DROP_SIG_TOO_LARGE, DROPS, "signalling_too_large", "message or body over the limit")         \
    X(DROP_SIG_FRAGMENTS, DROPS, "signalling_fragments", "too many fragments")                     \
    X(DROP_SIG_BINARY, DROPS, "signalling_binary", "binary WebSocket message")                     \
    X(DROP_SIG_UTF8, DROPS, "signalling_utf8", "not UTF-8")                                        \
    X(DROP_SIG_JSON, DROPS, "signalling_json", "not JSON, too deep, or duplicate keys")            \
    X(DROP_SIG_RATE, DROPS, "signalling_rate", "too many calls")                                   \
    X(DROP_SIG_SLOW, DROPS, "signalling_slow", "connection does not take its messages")            \
    X(DROP_SIG_OPENING, DROPS, "signalling_opening", "no valid first message in time")             \
    X(DROP_SIG_IDLE, DROPS, "signalling_idle", "silent connection")                                \
    X(DROP_SIG_STALE_LANE, DROPS, "signalling_stale_lane", "message for a connection that is gone") \
    X(DROP_SIG_CONTROL_FULL, DROPS, "signalling_control_full", "control had no space")             \
    X(DROP_SIG_EDGE_FULL, DROPS, "signalling_edge_full", "edge had no space")                      \
    X(DROP_SIG_RESPONSE, DROPS, "signalling_response", "answer to a call we never made")           \
    X(DROP_HTTP_SLOW, DROPS, "http_slow", "request not complete in time")                          \
    X(DROP_HTTP_MALFORMED, DROPS, "http_malformed", "request does not parse")                      \
    X(DROP_MEMORY, DROPS, "memory", "refused because memory is short")                             \
    X(DROP_DRAINING, DROPS, "draining", "refused because the server is going away")                \
    /* media */                                                                                    \
    X(RTP_PACKETS_IN, MEDIA_PACKETS, "in", "from publishers")                                      \
    X(RTP_PACKETS_OUT, MEDIA_PACKETS, "out", "to subscribers")                                     \
    X(RTP_BYTES_IN, MEDIA_BYTES, "in", "from publishers")                                          \
    X(RTP_BYTES_OUT, MEDIA_BYTES, "out", "to subscribers")                                         \
    X(DATAGRAMS_IN, DATAGRAMS, "in", "received")                                                   \
    X(DATAGRAMS_OUT, DATAGRAMS, "out", "sent")                                                     \
    X(TCP_ACCEPTED, TCP, "accepted", "connections taken")                                          \
    X(TCP_TRUSTED, TCP, "trusted", "of those: began with a valid check")                           \
    X(TCP_FRAMES_IN, TCP, "frames_in", "received")                                                 \
    X(TCP_FRAMES_OUT, TCP, "frames_out", "queued for sending")                                     \
    X(SYSCALL_RECVMMSG, SYSCALLS, "recvmmsg", "receive batches")                                   \
    X(SYSCALL_SENDMMSG, SYSCALLS, "sendmmsg", "send batches")                                      \
    X(RTX_IN, RTX, "in", "from publishers")                                                        \
    X(RTX_OUT, RTX, "out", "to subscribers")                                                       \
    X(LOSS_MISSED, LOSS, "missed", "found missing")                                                \
    X(LOSS_RECOVERED, LOSS, "recovered", "came after we asked")                                    \
    X(LOSS_GIVEN_UP, LOSS, "given_up", "not asked for any more")                                   \
    X(NACK_IN, FEEDBACK, "nack_in", "NACK from subscribers")                                       \
    X(NACK_OUT, FEEDBACK, "nack_out", "NACK to publishers")                                        \
    X(PLI_IN, FEEDBACK, "pli_in", "PLI from subscribers")                                          \
    X(PLI_OUT, FEEDBACK, "pli_out", "PLI to publishers")                                           \
    X(PLI_COALESCED, FEEDBACK, "pli_coalesced", "key-frame requests served by one already under way") \
    X(FIR_IN, FEEDBACK, "fir_in", "FIR from subscribers")                                          \
    X(FIR_OUT, FEEDBACK, "fir_out", "FIR to publishers")                                           \
    X(SR_IN, FEEDBACK, "sr_in", "sender reports from publishers")                                  \
    X(SR_OUT, FEEDBACK, "sr_out", "sender reports to subscribers")                                 \
    X(RR_IN, FEEDBACK, "rr_in", "receiver reports from subscribers")                               \
    X(RR_OUT, FEEDBACK, "rr_out", "receiver reports to publishers")                                \
    X(TWCC_IN, FEEDBACK, "twcc_in", "transport-wide feedback from subscribers")                    \
    X(TWCC_OUT, FEEDBACK, "twcc_out", "transport-wide feedback to publishers")                     \
    X(REMB_IN, FEEDBACK, "remb_in", "REMB from subscribers")                                       \
    X(REMB_OUT, FEEDBACK, "remb_out", "REMB to publishers")                                        \
    X(BYE_IN, FEEDBACK, "bye_in", "BYE from publishers")                                           \
    X(FORWARD_SWITCH, FORWARDER, "switch", "a slot changed its source or layer")                   \
    X(FORWARD_STILL, FORWARDER, "still", "a newcomer got the kept key frame")                      \
    X(FORWARD_KEYFRAME, FORWARDER, "keyframe", "key frames received")                              \
    X(FORWARD_KEYFRAME_TOO_LARGE, FORWARDER, "keyframe_too_large", "key frame not kept: too large") \
    X(FORWARD_SPEAKER, FORWARDER, "speaker", "active speaker changed")                             \
    X(DATA_MESSAGES_IN, DATA, "in", "from clients, dropped ones included")                         \
    X(DATA_MESSAGES_OUT, DATA, "out", "given to the SCTP stack, one per receiver")                 \
    /* between workers */                                                                          \
    X(RELAY_OUT, RELAY, "out", "packets copied for another worker")                                \
    X(RELAY_IN, RELAY, "in", "packets taken from another worker")                                  \
    /* transport */                                                                                \
    X(ICE_CHECK_IN, ICE, "check_in", "valid connectivity checks")                                  \
    X(ICE_CHECK_OUT, ICE, "check_out", "checks sent")                                              \
    X(ICE_VALIDATED, ICE, "validated", "new address pair")                                         \
    X(ICE_NOMINATED, ICE, "nominated", "peer chose another pair")                                  \
    X(ICE_RESTART, ICE, "restart", "ICE restarts")                                                 \
    X(ICE_ROLE_CONFLICT, ICE, "role_conflict", "487 answered")                                     \
    X(DTLS_STARTED, DTLS, "started", "first record of a peer")                                     \
    X(DTLS_DONE, DTLS, "done", "handshakes completed")                                             \
    X(DTLS_FAILED, DTLS, "failed", "handshakes failed")                                            \
    X(DTLS_FINGERPRINT, DTLS, "fingerprint", "certificate is not the one of the offer")            \
    X(DTLS_RETRANSMIT, DTLS, "retransmit", "flights sent again")                                   \
    X(PEER_END_ASKED, PEER_ENDS, "asked", "closed by the room or its client")                      \
    X(PEER_END_ICE_TIMEOUT, PEER_ENDS, "ice_timeout", "no pair was nominated")                     \
    X(PEER_END_DTLS_TIMEOUT, PEER_ENDS, "dtls_timeout", "handshake not done in time")              \
    X(PEER_END_DTLS_FAILED, PEER_ENDS, "dtls_failed", "handshake failed")                          \
    X(PEER_END_CONSENT, PEER_ENDS, "consent", "consent ran out")                                   \
    X(PEER_END_CLOSE_NOTIFY, PEER_ENDS, "close_notify", "the other side closed")                   \
    X(PEER_END_MEMORY, PEER_ENDS, "memory", "no memory or no place in a pool")                     \
    /* signalling */                                                                               \
    X(LANE_OPENED, LANES, "opened", "WebSockets accepted")                                         \
    X(LANE_CLOSED, LANES, "closed", "WebSockets ended")                                            \
    X(SESSION_OPENED, SESSIONS, "opened", "new")                                                   \
    X(SESSION_DETACHED, SESSIONS, "detached", "lost its last lane")                                \
    X(SESSION_RESUMED, SESSIONS, "resumed", "came back")                                           \
    X(SESSION_EXPIRED, SESSIONS, "expired", "did not come back in time")                           \
    X(SESSION_CLOSED, SESSIONS, "closed", "ended by its client")                                   \
    X(SESSION_REPLACED, SESSIONS, "replaced", "another session of the identity took over")         \
    X(SESSION_KICKED, SESSIONS, "kicked", "removed by a moderator")                                \
    X(MESSAGE_IN, MESSAGES, "in", "from clients")                                                  \
    X(MESSAGE_OUT, MESSAGES, "out", "to clients")                                                  \
    X(HTTP_1XX, HTTP, "1xx", "upgrades included")                                                  \
    X(HTTP_2XX, HTTP, "2xx", "success")                                                            \
    X(HTTP_3XX, HTTP, "3xx", "redirection, not modified")                                          \
    X(HTTP_4XX, HTTP, "4xx", "client's fault")                                                     \
    X(HTTP_5XX, HTTP, "5xx", "server's fault")                                                     \
    X(TOKEN_ACCEPTED, TOKENS, "accepted", "valid")                                                 \
    X(TOKEN_MALFORMED, TOKENS, "malformed", "not a token")                                         \
    X(TOKEN_SIGNATURE, TOKENS, "signature", "unknown key, wrong algorithm or signature")           \
    X(TOKEN_EXPIRED, TOKENS, "expired", "not valid at this time")                                  \
    X(TOKEN_CLAIMS, TOKENS, "claims", "claims missing or wrong")                                   \
    X(TOKEN_REVOKED, TOKENS, "revoked", "revoked by a kick")                                       \
    /* inside */                                                                                   \
    X(RING_WORKER, RINGS, "worker", "commands from control to a worker")                           \
    X(RING_RELAY, RINGS, "relay", "what one worker tells another of a track")                      \
    X(RING_CONTROL, RINGS, "control", "messages to control")                                       \
    X(RING_EDGE, RINGS, "edge", "messages from control to edge")                                   \
    X(RING_DB, RINGS, "db", "jobs for the db threads")                                             \
    X(FAULT_INVARIANT, FAULTS, "invariant", "a state that cannot be")                              \
    X(FAULT_MEMORY, FAULTS, "memory", "an allocation failed")                                      \
    X(FAULT_PLUGIN, FAULTS, "plugin", "a plugin broke its contract")                               \
    X(FAULT_DB, FAULTS, "db", "the database refused what it must take")                            \
    /* gauges */                                                                                   \
    X(OPEN_ROOMS, OPEN, "rooms", "open rooms")                                                     \
    X(OPEN_PARTICIPANTS, OPEN, "participants", "participants in rooms")                            \
    X(OPEN_SESSIONS, OPEN, "sessions", "sessions, detached ones included")                         \
    X(OPEN_LANES, OPEN, "lanes", "WebSockets")                                                     \
    X(OPEN_CONNECTIONS, OPEN, "connections", "HTTP connections, WebSockets included")              \
    X(OPEN_PEERS, OPEN, "peers", "peer connections")                                               \
    X(OPEN_TRACKS, OPEN, "tracks", "published tracks")                                             \
    X(OPEN_ASSOCIATIONS, OPEN, "sctp_associations", "SCTP associations of peers with data channels") \
    X(OPEN_SLOTS, OPEN, "slots", "receive slots that are mapped")                                  \
    X(OPEN_PLUGINS, OPEN, "plugins", "plugins loaded")                                             \
    X(RESIDENT_MEMORY, MEMORY, NULL, "bytes")                                                      \
    X(HEAP_IN_USE, HEAP, NULL, "bytes")                                                            \
    X(START_TIME, START, NULL, "seconds")

/* H(ID, name, help): microseconds inside, seconds outside. */
#define SFU_METRIC_HISTS(H)                                                                        \
    H(LOOP_TURN, "stoa_loop_turn_seconds", "One turn of a media worker without its wait")          \
    H(FORWARD_DELAY, "stoa_forward_delay_seconds", "From the receive call to the send call of a forwarded packet") \
    H(DTLS_HANDSHAKE, "stoa_dtls_handshake_seconds", "From the first record to the end of the handshake") \
    H(PEER_CONNECT, "stoa_peer_connect_seconds", "From the answer to the first decrypted packet")  \
    H(RPC_CALL, "stoa_rpc_call_seconds", "From a call's arrival on control to its answer")         \
    H(DB_JOB, "stoa_db_job_seconds", "From posting a database job to its answer")                  \
    H(SWITCH, "stoa_slot_switch_seconds", "From the wish to switch a slot to the first packet of the new source")
/* clang-format on */

enum sfu_metric_type { SFU_METRIC_COUNTER, SFU_METRIC_GAUGE };

enum sfu_metric_family {
#define SFU_METRIC_ROW(id, ...) SFU_MF_##id,
    SFU_METRIC_FAMILIES(SFU_METRIC_ROW)
#undef SFU_METRIC_ROW
        SFU_MF_COUNT
};

/* SFU_M_DROP_STUN_INTEGRITY …; behind the rows of the table one SFU_M_ERR_<ID> per error code. */
enum sfu_metric {
#define SFU_METRIC_ROW(id, ...) SFU_M_##id,
#define SFU_METRIC_ERR_ROW(id, ...) SFU_M_ERR_##id,
    SFU_METRICS(SFU_METRIC_ROW) SFU_ERRORS(SFU_METRIC_ERR_ROW)
#undef SFU_METRIC_ERR_ROW
#undef SFU_METRIC_ROW
        SFU_M_COUNT
};

enum sfu_hist_id {
#define SFU_METRIC_ROW(id, ...) SFU_H_##id,
    SFU_METRIC_HISTS(SFU_METRIC_ROW)
#undef SFU_METRIC_ROW
        SFU_H_COUNT
};

struct sfu_metric_family_info {
    const char *name;
    const char *label; /* NULL: one row without label */
    const char *help;
    enum sfu_metric_type type;
};

struct sfu_metric_info {
    enum sfu_metric_family family;
    const char *value; /* of the label */
    const char *text;
};

struct sfu_hist_info {
    const char *name;
    const char *help;
};

const struct sfu_metric_family_info *sfu_metric_family_info(enum sfu_metric_family family);
const struct sfu_metric_info *sfu_metric_info(enum sfu_metric metric);
const struct sfu_hist_info *sfu_hist_info(enum sfu_hist_id hist);

/* The counter of errors answered with this code. */
static inline enum sfu_metric sfu_metric_of_err(enum sfu_err code)
{
    unsigned row = code > SFU_ERR_NONE && code < SFU_ERR_COUNT ? code : SFU_ERR_INTERNAL;
    return (enum sfu_metric)((unsigned)SFU_M_ERR_PARSE_ERROR + row - 1U);
}

void sfu_metric_print_markdown(struct sfu_str *out);
