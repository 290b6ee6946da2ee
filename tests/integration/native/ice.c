#include "tests/integration/native/ice.h"

#include <nice/agent.h>
#include <string.h>
#include <sys/socket.h>

enum { COMPONENT = 1, RECEIVE_BYTES = 1024 * 1024 };

struct nat_ice {
    const struct nat_ice_ops *ops;
    void *arg;
    NiceAgent *agent;
    guint stream;
    char *ufrag, *pwd;
    char pair[2 * NICE_ADDRESS_STRING_LEN + 48];
};

static void read_credentials(struct nat_ice *ice)
{
    g_free(ice->ufrag);
    g_free(ice->pwd);
    nice_agent_get_local_credentials(ice->agent, ice->stream, &ice->ufrag, &ice->pwd);
}

/* Many peers share one thread: what comes while it is elsewhere must find room. */
static void widen_sockets(NiceAgent *agent, guint stream)
{
    const int bytes = RECEIVE_BYTES;
    GPtrArray *sockets = nice_agent_get_sockets(agent, stream, COMPONENT);
    for (guint i = 0; sockets && i < sockets->len; i++) {
        int fd = g_socket_get_fd(g_ptr_array_index(sockets, i));
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0) {
            (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
        }
    }
    g_clear_pointer(&sockets, g_ptr_array_unref);
}

static void on_gathered(NiceAgent *agent, guint stream, gpointer arg)
{
    struct nat_ice *ice = arg;
    widen_sockets(agent, stream);
    ice->ops->gathered(ice->arg);
}

static void on_state(NiceAgent *agent, guint stream, guint component, guint state, gpointer arg)
{
    struct nat_ice *ice = arg;
    (void)agent;
    (void)stream;
    (void)component;
    if (state == NICE_COMPONENT_STATE_READY) {
        ice->ops->connected(ice->arg);
    } else if (state == NICE_COMPONENT_STATE_FAILED) {
        ice->ops->failed(ice->arg);
    }
}

static void on_pair(NiceAgent *agent, guint stream, guint component, NiceCandidate *local,
                    NiceCandidate *remote, gpointer arg)
{
    struct nat_ice *ice = arg;
    char a[NICE_ADDRESS_STRING_LEN], b[NICE_ADDRESS_STRING_LEN];
    (void)agent;
    (void)stream;
    (void)component;
    nice_address_to_string(&local->addr, a);
    nice_address_to_string(&remote->addr, b);
    g_snprintf(ice->pair, sizeof ice->pair, "%s:%u>%s:%u %s%s", a,
               nice_address_get_port(&local->addr), b, nice_address_get_port(&remote->addr),
               remote->transport == NICE_CANDIDATE_TRANSPORT_UDP ? "udp" : "tcp",
               local->type == NICE_CANDIDATE_TYPE_RELAYED ? " relay" : "");
}

static void on_packet(NiceAgent *agent, guint stream, guint component, guint len, gchar *buf,
                      gpointer arg)
{
    struct nat_ice *ice = arg;
    (void)agent;
    (void)stream;
    (void)component;
    ice->ops->packet(ice->arg, (const uint8_t *)buf, len);
}

/* "turn:192.0.2.1:3478?transport=tcp", numbers only */
static void add_relay(struct nat_ice *ice, const char *url, const json_t *server)
{
    const char *user = json_string_value(json_object_get(server, "username"));
    const char *pass = json_string_value(json_object_get(server, "credential"));
    if (!g_str_has_prefix(url, "turn:") || !user || !pass) {
        return;
    }
    char **parts = g_strsplit_set(url + strlen("turn:"), ":?", 3);
    guint port = parts[0] && parts[1] ? (guint)g_ascii_strtoull(parts[1], NULL, 10) : 3478;
    bool tcp = strstr(url, "transport=tcp") != NULL;
    nice_agent_set_relay_info(ice->agent, ice->stream, COMPONENT, parts[0], port, user, pass,
                              tcp ? NICE_RELAY_TYPE_TURN_TCP : NICE_RELAY_TYPE_TURN_UDP);
    g_strfreev(parts);
}

static void add_relays(struct nat_ice *ice, const json_t *servers)
{
    size_t i, k;
    const json_t *server, *url;
    json_array_foreach(servers, i, server)
    {
        json_array_foreach(json_object_get(server, "urls"), k, url)
        {
            add_relay(ice, json_string_value(url), server);
        }
    }
}

struct nat_ice *nat_ice_create(const struct nat_ice_ops *ops, void *arg, enum nat_ice_mode mode,
                               const json_t *servers)
{
    struct nat_ice *ice = g_new0(struct nat_ice, 1);
    ice->ops = ops;
    ice->arg = arg;
    ice->agent = nice_agent_new_full(NULL, NICE_COMPATIBILITY_RFC5245,
                                     NICE_AGENT_OPTION_REGULAR_NOMINATION |
                                         NICE_AGENT_OPTION_CONSENT_FRESHNESS);
    g_object_set(ice->agent, "controlling-mode", TRUE, "upnp", FALSE, "ice-tcp",
                 mode == NAT_ICE_TCP, "ice-udp", mode != NAT_ICE_TCP, "force-relay",
                 mode == NAT_ICE_RELAY, NULL);
    ice->stream = nice_agent_add_stream(ice->agent, 1);
    if (mode == NAT_ICE_RELAY) {
        add_relays(ice, servers);
    }
    g_signal_connect(ice->agent, "candidate-gathering-done", G_CALLBACK(on_gathered), ice);
    g_signal_connect(ice->agent, "component-state-changed", G_CALLBACK(on_state), ice);
    g_signal_connect(ice->agent, "new-selected-pair-full", G_CALLBACK(on_pair), ice);
    nice_agent_attach_recv(ice->agent, ice->stream, COMPONENT, NULL, on_packet, ice);
    read_credentials(ice);
    nice_agent_gather_candidates(ice->agent, ice->stream);
    return ice;
}

void nat_ice_destroy(struct nat_ice *ice)
{
    if (!ice) {
        return;
    }
    g_signal_handlers_disconnect_by_data(ice->agent, ice);
    nice_agent_attach_recv(ice->agent, ice->stream, COMPONENT, NULL, NULL, NULL);
    nice_agent_remove_stream(ice->agent, ice->stream);
    g_object_unref(ice->agent);
    g_free(ice->ufrag);
    g_free(ice->pwd);
    g_free(ice);
}

const char *nat_ice_ufrag(const struct nat_ice *ice)
{
    return ice->ufrag;
}

const char *nat_ice_pwd(const struct nat_ice *ice)
{
    return ice->pwd;
}

const char *nat_ice_pair(const struct nat_ice *ice)
{
    return ice->pair;
}

bool nat_ice_set_remote(struct nat_ice *ice, const char *ufrag, const char *pwd,
                        const char *const *candidates)
{
    GSList *list = NULL;
    nice_agent_set_remote_credentials(ice->agent, ice->stream, ufrag, pwd);
    for (; *candidates; candidates++) {
        char *line = g_strdup_printf("a=%s", *candidates);
        NiceCandidate *c = nice_agent_parse_remote_candidate_sdp(ice->agent, ice->stream, line);
        if (c) {
            list = g_slist_prepend(list, c);
        }
        g_free(line);
    }
    int taken =
        list ? nice_agent_set_remote_candidates(ice->agent, ice->stream, COMPONENT, list) : 0;
    g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
    return taken > 0;
}

void nat_ice_restart(struct nat_ice *ice)
{
    nice_agent_restart(ice->agent);
    read_credentials(ice);
}

void nat_ice_send(struct nat_ice *ice, const uint8_t *data, size_t len)
{
    nice_agent_send(ice->agent, ice->stream, COMPONENT, (guint)len, (const gchar *)data);
}
