#include "tests/integration/native/token.h"

#include <gio/gio.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* The whole response, until the server closes. */
static char *exchange(const char *host, uint16_t port, const char *request, GError **error)
{
    GSocketClient *client = g_socket_client_new();
    GSocketConnection *conn = g_socket_client_connect_to_host(client, host, port, NULL, error);
    GString *response = NULL;
    g_object_unref(client);
    if (!conn) {
        return NULL;
    }
    GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(conn));
    GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(conn));
    if (g_output_stream_write_all(out, request, strlen(request), NULL, NULL, error)) {
        char buf[4096];
        gssize n;
        response = g_string_new(NULL);
        while ((n = g_input_stream_read(in, buf, sizeof buf, NULL, NULL)) > 0) {
            g_string_append_len(response, buf, n);
        }
    }
    g_object_unref(conn);
    return response ? g_string_free(response, FALSE) : NULL;
}

char *nat_token_fetch(const char *host, uint16_t port, const char *room, const char *identity,
                      char **ret_why)
{
    GError *error = NULL;
    json_t *body =
        json_pack("{s:s, s:s, s:s}", "room", room, "identity", identity, "name", identity);
    char *text = json_dumps(body, JSON_COMPACT);
    char *request = g_strdup_printf("POST /v1/dev/token HTTP/1.1\r\nHost: %s:%u\r\n"
                                    "Origin: http://%s:%u\r\nContent-Type: application/json\r\n"
                                    "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                                    host, port, host, port, strlen(text), text);
    json_decref(body);
    free(text);
    char *response = exchange(host, port, request, &error);
    g_free(request);
    char *begin = response ? strstr(response, "\r\n\r\n") : NULL;
    json_t *answer = begin ? json_loads(begin + 4, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    char *token = g_strdup(json_string_value(json_object_get(answer, "token")));
    if (!token) {
        *ret_why = g_strdup(error ? error->message : response ? response : "no answer");
    }
    json_decref(answer);
    g_clear_error(&error);
    g_free(response);
    return token;
}
