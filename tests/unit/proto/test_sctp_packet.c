#include "sfu/proto/sctp_packet.h"

#include <errno.h>

#include "tests/unit/proto/hex.h"

#define HEAD "13881388 00000000 00000000 "
#define INIT(len) "010000" len " 1a2b3c4d 00020000 00400040 00000001 "

#define RECONFIG(len) "8200" len " "
#define OUT_RESET "000d0012 00000001 00000001 00000001 0005 "
#define RESPONSE "0010000c 00000001 00000001 "

static const struct {
    const char *name, *hex;
    int rc;
} rows[] = {
    {"INIT", HEAD INIT("1e") "c0000004 80080006 82c00000", 0},
    {"INIT without parameters", HEAD INIT("14"), 0},
    {"INIT, last parameter unpadded", HEAD INIT("1a") "80080006 82c00000", 0},
    {"INIT with an IPv4 address", HEAD INIT("1c") "00050008 7f000001", -ENOTSUP},
    {"INIT with an address of no length", HEAD INIT("18") "00050004", -ENOTSUP},
    {"INIT with a host name", HEAD INIT("1c") "000b0008 61620000", -ENOTSUP},
    {"INIT, parameter beyond the end", HEAD INIT("18") "80080008", -EBADMSG},
    {"INIT, parameter of no length", HEAD INIT("18") "80080000", -EBADMSG},
    {"INIT, half a parameter", HEAD INIT("16") "80080000", -EBADMSG},
    {"INIT too short", HEAD "01000010 1a2b3c4d 00020000 00400040", -EBADMSG},
    {"INIT ACK with an IPv6 address",
     HEAD
     "02000028 1a2b3c4d 00020000 00400040 00000001 00060014 00000000 00000000 00000000 00000001",
     -ENOTSUP},
    {"DATA", HEAD "00030014 00000001 00000000 00000033 78797a0a", 0},
    {"DATA with padding", HEAD "00030011 00000001 00000000 00000033 78000000", 0},
    {"DATA without data", HEAD "00030010 00000001 00000000 00000033", -EBADMSG},
    {"two chunks", HEAD "0b000004 00030011 00000001 00000000 00000033 78000000", 0},
    {"chunk beyond the end", HEAD "0b000008", -EBADMSG},
    {"chunk of no length", HEAD "0b000000", -EBADMSG},
    {"padding missing", HEAD "00030011 00000001 00000000 00000033 78", -EBADMSG},
    {"ASCONF", HEAD "c1000008 00000001", -ENOTSUP},
    {"AUTH", HEAD "0f000008 00000001", -ENOTSUP},
    {"packet drop", HEAD "81000010 00000000 00000000 00000000", -ENOTSUP},
    {"outgoing reset", HEAD RECONFIG("0016") OUT_RESET "0000", 0},
    {"outgoing reset and response", HEAD RECONFIG("0024") OUT_RESET "0000" RESPONSE, 0},
    {"request and response apart", HEAD RECONFIG("0016") OUT_RESET "0000" RECONFIG("0010") RESPONSE,
     0},
    {"outgoing reset too short", HEAD RECONFIG("0010") "000d000c 00000001 00000001", -EBADMSG},
    {"outgoing reset, half an id",
     HEAD RECONFIG("0015") "000d0011 00000001 00000001 00000001 00000000", -EBADMSG},
    {"parameter beyond the end", HEAD RECONFIG("0010") "00100010 00000001 00000001", -EBADMSG},
    {"incoming reset", HEAD RECONFIG("000e") "000e000a 00000001 00050000", -ENOTSUP},
    {"reset of TSNs", HEAD RECONFIG("000c") "000f0008 00000001", -ENOTSUP},
    {"more outgoing streams", HEAD RECONFIG("0010") "0011000c 00000001 00400000", 0},
    {"more incoming streams", HEAD RECONFIG("0010") "0012000c 00000001 fde80000", -ENOTSUP},
    {"three parameters", HEAD RECONFIG("0028") RESPONSE RESPONSE RESPONSE, -EBADMSG},
    {"three RE-CONFIG",
     HEAD RECONFIG("0010") RESPONSE RECONFIG("0010") RESPONSE RECONFIG("0010") RESPONSE, -ENOTSUP},
    {"FORWARD TSN", HEAD "c0000008 00000001", 0},
    {"two FORWARD TSN", HEAD "c0000008 00000001 c0000008 00000002", -ENOTSUP},
    {"head alone", HEAD, -EBADMSG},
    {"nothing", "", -EBADMSG},
};

static void packets(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len;
        uint8_t *buf = hex_alloc(rows[i].hex, &len);
        assert_hex_row(sfu_sctp_packet_check(buf, len) == rows[i].rc, rows[i].name);
        free(buf);
    }
}

static void who_carries_data(void **state)
{
    (void)state;
    static const struct {
        const char *name, *hex;
        bool has;
    } carriers[] = {
        {"DATA", HEAD "00030014 00000001 00000000 00000033 78797a0a", true},
        {"behind another", HEAD "0b000004 00030011 00000001 00000000 00000033 78000000", true},
        {"SACK", HEAD "03000010 00000001 00010000 00000000", false},
        {"chunk of no length", HEAD "0b000000 00030011 00000001", false},
        {"chunk beyond the end", HEAD "0b0000ff", false},
        {"cut in a chunk's head", HEAD "0b0000", false},
        {"head alone", HEAD, false},
        {"nothing", "", false},
    };
    for (size_t i = 0; i < sizeof carriers / sizeof carriers[0]; i++) {
        size_t len;
        uint8_t *buf = hex_alloc(carriers[i].hex, &len);
        assert_hex_row(sfu_sctp_packet_has_data(buf, len) == carriers[i].has, carriers[i].name);
        free(buf);
    }
}

static void requests(void **state)
{
    (void)state;
    static const struct {
        const char *name, *hex;
        size_t n;
    } bearers[] = {
        {"outgoing reset", HEAD RECONFIG("0016") OUT_RESET "0000", 1},
        {"with a response", HEAD RECONFIG("0024") OUT_RESET "0000" RESPONSE, 1},
        {"two",
         HEAD RECONFIG("0016") OUT_RESET "0000" RECONFIG("0010") "0011000c 00000001 00400000", 2},
        {"behind another chunk", HEAD "0b000004" RECONFIG("0016") OUT_RESET "0000", 1},
        {"response", HEAD RECONFIG("0010") RESPONSE, 0},
        {"parameter of no length", HEAD RECONFIG("0010") "00100000 00000001 00000001", 0},
        {"SACK", HEAD "03000010 00000001 00010000 00000000", 0},
        {"chunk of no length", HEAD "0b000000 82000016" OUT_RESET "0000", 0},
        {"nothing", "", 0},
    };
    for (size_t i = 0; i < sizeof bearers / sizeof bearers[0]; i++) {
        size_t len;
        uint8_t *buf = hex_alloc(bearers[i].hex, &len);
        assert_hex_row(sfu_sctp_packet_requests(buf, len) == bearers[i].n, bearers[i].name);
        free(buf);
    }
}

static void tag_of_an_init(void **state)
{
    (void)state;
    static const struct {
        const char *name, *hex;
        uint32_t tag;
    } inits[] = {
        {"INIT", HEAD INIT("14"), 0x1a2b3c4d},
        {"INIT too short", HEAD "01000010 1a2b3c4d 00020000 00400040", 0},
        {"DATA", HEAD "00030014 00000001 00000000 00000033 78797a0a", 0},
        {"nothing", "", 0},
    };
    for (size_t i = 0; i < sizeof inits / sizeof inits[0]; i++) {
        size_t len;
        uint8_t *buf = hex_alloc(inits[i].hex, &len);
        assert_hex_row(sfu_sctp_packet_init_tag(buf, len) == inits[i].tag, inits[i].name);
        free(buf);
    }
}

static void sizes(void **state)
{
    (void)state;
    uint8_t *buf = calloc(1, SFU_SCTP_PACKET_MAX + 4);
    assert_non_null(buf);
    for (size_t at = SFU_SCTP_HEAD; at < SFU_SCTP_PACKET_MAX; at += 4) {
        buf[at] = 0x0b; /* COOKIE ACK */
        buf[at + 3] = 4;
    }
    size_t most = SFU_SCTP_HEAD + 4 * SFU_SCTP_CHUNKS_MAX;
    assert_int_equal(sfu_sctp_packet_check(buf, most), 0);
    assert_int_equal(sfu_sctp_packet_check(buf, most + 4), -EBADMSG);
    assert_int_equal(sfu_sctp_packet_check(buf, SFU_SCTP_PACKET_MAX + 4), -EMSGSIZE);
    free(buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets), cmocka_unit_test(who_carries_data), cmocka_unit_test(requests),
        cmocka_unit_test(tag_of_an_init), cmocka_unit_test(sizes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
