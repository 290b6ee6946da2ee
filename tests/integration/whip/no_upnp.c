/*
 * tests/integration/whip/no_upnp.c - stands in for libgupnp-igd-1.0.so.4 beneath simple-whip-client.
 *
 * Debian 12's libnice brings libsoup 3 along through that library, the client itself links libsoup
 * 2, and libsoup ends a process that holds both.  libnice calls these only with UPnP switched on.
 */
void *gupnp_simple_igd_thread_new(void);
unsigned long gupnp_simple_igd_get_type(void);
void gupnp_simple_igd_add_port(void);
void gupnp_simple_igd_remove_port_local(void);

void *gupnp_simple_igd_thread_new(void)
{
    return 0;
}

unsigned long gupnp_simple_igd_get_type(void)
{
    return 0;
}

void gupnp_simple_igd_add_port(void)
{
}

void gupnp_simple_igd_remove_port_local(void)
{
}
