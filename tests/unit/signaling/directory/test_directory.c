/* tests/unit/signaling/directory/test_directory.c - keys, rooms and revoked tokens on a real SQLite
 * file. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sfu/base/rand.h"
#include "sfu/log.h"
#include "sfu/versions.h"
#include "signaling/directory/directory.h"
#include "signaling/directory/revoked.h"
#include "signaling/directory/schema.h"
#include "signaling/directory/streamkeys.h"

static char data[64];
static struct sfu_clock_virtual now;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void (*fn[64])(void *);
    void *msg[64];
    size_t count;
} box = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int post(void *arg, void (*fn)(void *msg), void *msg)
{
    (void)arg;
    pthread_mutex_lock(&box.lock);
    box.fn[box.count] = fn;
    box.msg[box.count++] = msg;
    pthread_cond_broadcast(&box.changed);
    pthread_mutex_unlock(&box.lock);
    return 0;
}

static void take_one(void)
{
    pthread_mutex_lock(&box.lock);
    while (box.count == 0) {
        pthread_cond_wait(&box.changed, &box.lock);
    }
    void (*fn)(void *) = box.fn[0];
    void *msg = box.msg[0];
    box.count--;
    memmove(&box.fn[0], &box.fn[1], box.count * sizeof box.fn[0]);
    memmove(&box.msg[0], &box.msg[1], box.count * sizeof box.msg[0]);
    pthread_mutex_unlock(&box.lock);
    fn(msg);
}

static struct {
    struct sig_dir_key keys[8];
    size_t count;
    unsigned calls;
} seen;

static void keys_changed(void *arg, const struct sig_dir_key *keys, size_t count)
{
    (void)arg;
    assert_true(count <= 8);
    if (count > 0) {
        memcpy(seen.keys, keys, count * sizeof *keys);
    }
    seen.count = count;
    seen.calls++;
}

static int setup(void **state)
{
    (void)state;
    sfu_log_set_all(SFU_LOG_OFF);
    sfu_clock_virtual_init(&now, 1000000, 1790000000000000);
    memset(&seen, 0, sizeof seen);
    snprintf(data, sizeof data, "/tmp/stoa_dir_XXXXXX");
    return mkdtemp(data) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {"directory.db", "directory.db-wal", "directory.db-shm",
                                        "dev.key"};
    for (size_t i = 0; i < 4; i++) {
        char path[96];
        snprintf(path, sizeof path, "%s/%s", data, names[i]);
        unlink(path);
    }
    return rmdir(data);
}

static struct sig_dir *open_dir(bool development)
{
    struct sig_dir_conf conf = {.data_dir = data,
                                .create = true,
                                .development = development,
                                .clock = &now.clock,
                                .post = post,
                                .keys_changed = keys_changed};
    struct sig_dir *dir = NULL;
    assert_int_equal(sig_dir_open(&conf, &dir), 0);
    return dir;
}

struct answer {
    int err;
    unsigned calls;
    struct sfu_room_record room;
};

static void answered(void *arg, int err, const struct sfu_room_record *room)
{
    struct answer *a = arg;
    a->err = err;
    a->calls++;
    if (room) {
        a->room = *room;
    }
}

static struct answer open_room(struct sig_dir *dir, const char *name)
{
    struct sfu_directory_ops ops = sig_dir_ops(dir);
    struct answer a = {0};
    assert_int_equal(ops.room_open(ops.self, SIG_DIR_DEFAULT_TENANT, name, answered, &a), 0);
    take_one();
    assert_int_equal(a.calls, 1);
    return a;
}

static void a_room_is_made_once_and_found_in_any_normal_form(void **state)
{
    (void)state;
    struct sig_dir *dir = open_dir(true);
    struct answer a = open_room(dir, "Zimmer u\xcc\x88");
    assert_int_equal(a.err, 0);
    assert_true(sfu_id_valid("rm", a.room.id, strlen(a.room.id)));
    assert_string_equal(a.room.name, "Zimmer \xc3\xbc");
    assert_string_equal(a.room.tenant, SIG_DIR_DEFAULT_TENANT);
    assert_false(a.room.locked);
    struct answer other = open_room(dir, "other");
    assert_string_not_equal(other.room.id, a.room.id);

    struct sfu_directory_ops ops = sig_dir_ops(dir);
    assert_int_equal(ops.room_lock(ops.self, a.room.id, true), 0);
    take_one();
    sig_dir_close(dir);

    dir = open_dir(true);
    struct answer b = open_room(dir, "Zimmer \xc3\xbc");
    assert_string_equal(b.room.id, a.room.id);
    assert_true(b.room.locked);
    sig_dir_close(dir);
}

static void a_room_with_a_bad_name_or_tenant_is_refused(void **state)
{
    (void)state;
    struct sig_dir *dir = open_dir(true);
    struct sfu_directory_ops ops = sig_dir_ops(dir);
    struct answer a = {0};
    static const char *const bad[] = {"", " x", "a\nb", "\xff"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ops.room_open(ops.self, SIG_DIR_DEFAULT_TENANT, bad[i], answered, &a),
                         -EINVAL);
    }
    /* a tenant that does not exist: the foreign key says no */
    assert_int_equal(ops.room_open(ops.self, "tn_nobody", "x", answered, &a), 0);
    take_one();
    assert_int_equal(a.err, -EINVAL);
    sig_dir_close(dir);
}

static void the_development_key_stays_and_is_ours_alone(void **state)
{
    (void)state;
    struct sig_dir *dir = open_dir(true);
    assert_true(sig_dir_development(dir));
    assert_int_equal(seen.count, 1);
    assert_true(seen.keys[0].development);
    struct sig_dir_key key = seen.keys[0];
    sig_dir_close(dir);

    char path[96];
    snprintf(path, sizeof path, "%s/dev.key", data);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    struct sig_dir_key again;
    assert_int_equal(sig_dir_dev_key(data, false, 0, &again), 0);
    assert_string_equal(again.kid, key.kid);
    assert_memory_equal(again.secret, key.secret, SIG_DIR_SECRET_BYTES);

    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(sig_dir_dev_key(data, true, 0, &again), -EPERM);
    assert_int_equal(chmod(path, 0600), 0);
    static const char *const broken[] = {
        "",
        "\n",
        " \n",
        "dev_x y\n",
        "dev_01hzy3v7k2f3g4h5j6k7m8n9p0 AAAA\n",
        "key_01hzy3v7k2f3g4h5j6k7m8n9p0 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
        "dev_01hzy3v7k2f3g4h5j6k7m8n9p0 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    for (size_t i = 0; i < SFU_ARRAY_LEN(broken); i++) {
        FILE *f = fopen(path, "w");
        fputs(broken[i], f);
        fclose(f);
        assert_int_equal(sig_dir_dev_key(data, true, 0, &again), -EBADMSG);
    }
    unlink(path);
    assert_int_equal(symlink("/etc/hostname", path), 0);
    assert_int_equal(sig_dir_dev_key(data, true, 0, &again), -EPERM);
    unlink(path);
    assert_int_equal(sig_dir_dev_key(data, false, 0, &again), -ENOENT);
}

static void a_real_key_ends_development_at_the_next_start(void **state)
{
    (void)state;
    struct sig_dir *dir = open_dir(true);
    struct sig_dir_key key;
    assert_int_equal(sig_dir_key_create(dir, &key), 0);
    assert_int_equal(seen.count, 2); /* live sessions of the development key go on */
    sig_dir_close(dir);

    dir = open_dir(true);
    assert_false(sig_dir_development(dir));
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.keys[0].kid, key.kid);
    assert_memory_equal(seen.keys[0].secret, key.secret, SIG_DIR_SECRET_BYTES);

    assert_int_equal(sig_dir_key_disable(dir, "key_nobody"), -ENOENT);
    assert_int_equal(sig_dir_key_disable(dir, key.kid), 0);
    assert_int_equal(seen.count, 0);
    struct sig_dir_key list[4];
    size_t count = 0;
    assert_int_equal(sig_dir_key_list(dir, list, 4, &count), 0);
    assert_int_equal(count, 1);
    int64_t first = list[0].disabled_us;
    assert_int_equal(first, now.now_us + now.wall_offset_us);
    sfu_clock_virtual_advance(&now, 1000000);
    assert_int_equal(sig_dir_key_disable(dir, key.kid), 0);
    assert_int_equal(sig_dir_key_list(dir, list, 4, &count), 0);
    assert_int_equal(list[0].disabled_us, first);
    assert_int_equal(sig_dir_key_list(dir, list, 0, &count), -ENOBUFS);
    sig_dir_close(dir);
}

#define SECRET "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define OCT(kid) "{\"kty\":\"oct\",\"kid\":\"" kid "\",\"k\":\"" SECRET "\"}"

static const struct {
    const char *text;
    int err;
    size_t count;
} key_sets[] = {
    {"{\"keys\":[" OCT("a") "]}", 0, 1},
    {"{\"keys\":[" OCT("a") "," OCT("b") "]}", 0, 2},
    {"{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"alg\":\"HS256\",\"use\":\"sig\",\"k\":\"" SECRET
     "\"}]}",
     0, 1},
    {"{\"keys\":[" OCT("a") "," OCT("a") "]}", -EBADMSG, 0},
    {"{\"keys\":[" OCT("dev_1") "]}", -EBADMSG, 0},
    {"{\"keys\":[" OCT("") "]}", -EBADMSG, 0},
    {"{\"keys\":[" OCT("0123456789012345678901234567890123456789") "]}", -EBADMSG, 0},
    {"{\"keys\":[]}", -EBADMSG, 0},
    {"{\"keys\":{}}", -EBADMSG, 0},
    {"{}", -EBADMSG, 0},
    {"[]", -EBADMSG, 0},
    {"", -EBADMSG, 0},
    {"{\"keys\":[7]}", -EBADMSG, 0},
    {"{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"a\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", -EBADMSG, 0},
    {"{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"alg\":\"HS512\",\"k\":\"" SECRET "\"}]}",
     -EBADMSG, 0},
    {"{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"use\":\"enc\",\"k\":\"" SECRET "\"}]}", -EBADMSG,
     0},
    {"{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"AAAA\"}]}", -EBADMSG, 0},
    {"{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\"}]}", -EBADMSG, 0},
};

static void keys_come_from_a_file_too(void **state)
{
    (void)state;
    char path[96];
    snprintf(path, sizeof path, "%s/keys.json", data);
    struct sig_dir_conf conf = {.data_dir = data,
                                .create = true,
                                .development = true,
                                .keys_file = path,
                                .clock = &now.clock,
                                .keys_changed = keys_changed};
    struct sig_dir *dir = NULL;
    assert_int_equal(sig_dir_open(&conf, &dir), -ENOENT);
    for (size_t i = 0; i < SFU_ARRAY_LEN(key_sets); i++) {
        FILE *f = fopen(path, "w");
        fputs(key_sets[i].text, f);
        fclose(f);
        memset(&seen, 0, sizeof seen);
        int err = sig_dir_open(&conf, &dir);
        if (err != key_sets[i].err) {
            fail_msg("%s: %d", key_sets[i].text, err);
        }
        if (!err) {
            assert_int_equal(seen.count, key_sets[i].count);
            assert_int_equal(seen.keys[0].secret[31], 31);
            assert_false(sig_dir_development(dir));
            sig_dir_close(dir);
        }
    }
    unlink(path);
}

static void without_development_there_is_no_key(void **state)
{
    (void)state;
    struct sig_dir *dir = open_dir(false);
    assert_false(sig_dir_development(dir));
    assert_int_equal(seen.count, 0);
    sig_dir_close(dir);
}

static void a_revoked_token_stays_revoked_over_a_restart_until_it_expires(void **state)
{
    (void)state;
    int64_t wall_us = now.now_us + now.wall_offset_us;
    struct sig_dir *dir = open_dir(true);
    struct sfu_directory_ops ops = sig_dir_ops(dir);
    assert_false(ops.token_revoked(ops.self, "abc"));
    assert_int_equal(ops.token_revoke(ops.self, "abc", wall_us + 3600000000), 0);
    assert_int_equal(ops.token_revoke(ops.self, "old", wall_us + 1), 0);
    assert_true(ops.token_revoked(ops.self, "abc"));
    assert_int_equal(ops.token_revoke(ops.self, "", wall_us), -EINVAL);
    take_one();
    take_one();
    sig_dir_close(dir);

    sfu_clock_virtual_advance(&now, SIG_DIR_REVOKED_KEEP_US + 2);
    dir = open_dir(true);
    ops = sig_dir_ops(dir);
    assert_true(ops.token_revoked(ops.self, "abc"));
    assert_false(ops.token_revoked(ops.self, "old"));
    sig_dir_close(dir);
}

static void the_revoked_set_is_bounded_and_drops_what_expired(void **state)
{
    (void)state;
    struct sig_dir_revoked *set = NULL;
    assert_int_equal(sig_dir_revoked_create(600, &set), 0);
    char id[32];
    for (int i = 0; i < 600; i++) {
        snprintf(id, sizeof id, "token-%d", i);
        assert_int_equal(sig_dir_revoked_add(set, id, i < 100 ? 1 : INT64_C(1000000000000), 0), 0);
    }
    assert_int_equal(sig_dir_revoked_add(set, "one-more", 1, 0), -ENOBUFS);
    assert_int_equal(sig_dir_revoked_add(set, "token-5", 1, 0), 0); /* is there */
    assert_int_equal(
        sig_dir_revoked_add(set, "one-more", INT64_C(1000000000000), SIG_DIR_REVOKED_KEEP_US + 5),
        0);
    assert_int_equal(sig_dir_revoked_count(set), 501);
    assert_true(sig_dir_revoked_has(set, "token-599"));
    assert_false(sig_dir_revoked_has(set, "token-5"));
    sig_dir_revoked_destroy(set);
}

/* ---- stream keys ---- */

struct key_answer {
    int err, calls;
    struct sfu_streamkey key;
    char text[SFU_STREAMKEY_TEXT_BYTES];
};

static void key_answered(void *arg, int err, const struct sfu_streamkey *key, const char *text)
{
    struct key_answer *a = arg;
    a->err = err;
    a->calls++;
    if (key) {
        a->key = *key;
    }
    snprintf(a->text, sizeof a->text, "%s", text);
}

static void stream_keys_outlive_a_restart_until_they_are_revoked(void **state)
{
    (void)state;
    struct sig_dir *dir = open_dir(true);
    struct sfu_directory_ops ops = sig_dir_ops(dir);
    struct key_answer made = {0}, gone = {0};
    struct sfu_streamkey found;
    assert_int_equal(ops.streamkey_create(ops.self, SIG_DIR_DEFAULT_TENANT, "Zimmer u\xcc\x88",
                                          "Studio", key_answered, &made),
                     0);
    assert_false(ops.streamkey_find(ops.self, made.text, &found)); /* not before it is kept */
    take_one();
    assert_int_equal(made.err, 0);
    assert_int_equal(made.calls, 1);
    assert_string_equal(made.key.room, "Zimmer \xc3\xbc");
    assert_true(sfu_id_valid("sk", made.key.id, strlen(made.key.id)));
    assert_memory_equal(made.text, made.key.id, strlen(made.key.id));
    sig_dir_close(dir);

    dir = open_dir(true);
    ops = sig_dir_ops(dir);
    assert_true(ops.streamkey_find(ops.self, made.text, &found));
    assert_string_equal(found.id, made.key.id);
    assert_string_equal(found.room, made.key.room);
    assert_string_equal(found.name, "Studio");
    assert_true(ops.streamkey_at(ops.self, 0, &found));
    assert_false(ops.streamkey_at(ops.self, 1, &found));
    assert_false(ops.streamkey_find(ops.self, made.key.id, &found));
    assert_false(ops.streamkey_find(ops.self, "", &found));
    assert_false(ops.token_revoked(ops.self, made.key.id));
    assert_int_equal(ops.streamkey_revoke(ops.self, "tn_other", made.key.id, key_answered, &gone),
                     -ENOENT);
    assert_int_equal(
        ops.streamkey_revoke(ops.self, SIG_DIR_DEFAULT_TENANT, made.key.id, key_answered, &gone),
        0);
    take_one();
    assert_int_equal(gone.err, 0);
    assert_false(ops.streamkey_find(ops.self, made.text, &found));
    assert_true(ops.token_revoked(ops.self, made.key.id)); /* its sessions end */
    sig_dir_close(dir);

    dir = open_dir(true);
    ops = sig_dir_ops(dir);
    assert_false(ops.streamkey_find(ops.self, made.text, &found));
    assert_true(ops.token_revoked(ops.self, made.key.id));
    sig_dir_close(dir);
}

static void stream_keys_with_bad_names_are_refused(void **state)
{
    static const struct {
        const char *room, *name;
    } rows[] = {{"", ""}, {"a\nb", ""}, {"room", "a\nb"}, {"\xff", ""}};
    (void)state;
    struct sig_dir *dir = open_dir(true);
    struct sfu_directory_ops ops = sig_dir_ops(dir);
    struct key_answer a = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(ops.streamkey_create(ops.self, SIG_DIR_DEFAULT_TENANT, rows[i].room,
                                              rows[i].name, key_answered, &a),
                         -EINVAL);
    }
    assert_int_equal(a.calls, 0);
    sig_dir_close(dir);
}

/* Control hears of what was under way when the server went down after the directory is closed. */
static void stream_keys_may_be_under_way_at_the_end(void **state)
{
    (void)state;
    struct sig_dir *dir = open_dir(true);
    struct sfu_directory_ops ops = sig_dir_ops(dir);
    struct key_answer first = {0}, made = {0}, gone = {0};
    struct sfu_streamkey found;
    assert_int_equal(
        ops.streamkey_create(ops.self, SIG_DIR_DEFAULT_TENANT, "room", "", key_answered, &first),
        0);
    take_one();
    assert_int_equal(
        ops.streamkey_create(ops.self, SIG_DIR_DEFAULT_TENANT, "room", "", key_answered, &made), 0);
    assert_int_equal(
        ops.streamkey_revoke(ops.self, SIG_DIR_DEFAULT_TENANT, first.key.id, key_answered, &gone),
        0);
    sig_dir_close(dir);
    take_one();
    take_one();
    assert_int_equal(made.calls, 1);
    assert_int_equal(made.err, 0);
    assert_int_equal(gone.calls, 1);
    assert_int_equal(gone.err, 0);

    dir = open_dir(true);
    ops = sig_dir_ops(dir);
    assert_true(ops.streamkey_find(ops.self, made.text, &found));
    assert_false(ops.streamkey_find(ops.self, first.text, &found));
    sig_dir_close(dir);
}

/* As many as fit, asked for before the first is stored; then a few from another process. */
static void stream_keys_are_bounded(void **state)
{
    enum { TURN = 32, OTHERS = 3 };
    struct key_answer a = {0}, b = {0}, first = {0}, refused = {0};
    struct sfu_streamkey found;
    (void)state;
    struct sig_dir *dir = open_dir(true), *other = open_dir(true);
    struct sfu_directory_ops ops = sig_dir_ops(dir), theirs = sig_dir_ops(other);
    for (int made = 0; made < SIG_DIR_STREAMKEYS_MAX; made += TURN) {
        for (int i = 0; i < TURN; i++) {
            assert_int_equal(ops.streamkey_create(ops.self, SIG_DIR_DEFAULT_TENANT, "room", "",
                                                  key_answered, made + i ? &a : &first),
                             0);
        }
        bool full = made + TURN == SIG_DIR_STREAMKEYS_MAX;
        assert_int_equal(!full || ops.streamkey_create(ops.self, SIG_DIR_DEFAULT_TENANT, "room", "",
                                                       key_answered, &refused) == -ENOBUFS,
                         true);
        for (int i = 0; i < TURN; i++) {
            take_one();
        }
    }
    assert_int_equal(a.calls, SIG_DIR_STREAMKEYS_MAX - 1);
    assert_int_equal(refused.calls, 0);
    sfu_clock_virtual_advance(&now, 1000000);
    for (int i = 0; i < OTHERS; i++) {
        assert_int_equal(theirs.streamkey_create(theirs.self, SIG_DIR_DEFAULT_TENANT, "room", "",
                                                 key_answered, &b),
                         0);
        take_one();
        assert_int_equal(b.err, 0);
    }
    sig_dir_close(other);
    sig_dir_close(dir);

    dir = open_dir(true);
    ops = sig_dir_ops(dir);
    assert_true(ops.streamkey_find(ops.self, first.text, &found));
    assert_true(ops.streamkey_find(ops.self, a.text, &found));
    assert_false(ops.streamkey_find(ops.self, b.text, &found));
    assert_false(ops.streamkey_at(ops.self, SIG_DIR_STREAMKEYS_MAX, &found));
    /* one goes, and the others are still found */
    assert_int_equal(
        ops.streamkey_revoke(ops.self, SIG_DIR_DEFAULT_TENANT, first.key.id, key_answered, &b), 0);
    take_one();
    for (size_t i = 0; ops.streamkey_at(ops.self, i, &found); i++) {
        assert_false(ops.token_revoked(ops.self, found.id));
    }
    assert_true(ops.streamkey_find(ops.self, a.text, &found));
    assert_false(ops.streamkey_find(ops.self, first.text, &found));
    sig_dir_close(dir);
}

static void the_schema_version_is_the_one_of_the_table(void **state)
{
    (void)state;
    assert_int_equal(sig_dir_schema()->migration_count, SFU_VERSION_SCHEMA_NUMBER);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_room_is_made_once_and_found_in_any_normal_form),
        T(a_room_with_a_bad_name_or_tenant_is_refused),
        T(the_development_key_stays_and_is_ours_alone),
        T(a_real_key_ends_development_at_the_next_start),
        T(keys_come_from_a_file_too),
        T(without_development_there_is_no_key),
        T(a_revoked_token_stays_revoked_over_a_restart_until_it_expires),
        cmocka_unit_test(the_revoked_set_is_bounded_and_drops_what_expired),
        T(stream_keys_outlive_a_restart_until_they_are_revoked),
        T(stream_keys_with_bad_names_are_refused),
        T(stream_keys_may_be_under_way_at_the_end),
        T(stream_keys_are_bounded),
        cmocka_unit_test(the_schema_version_is_the_one_of_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
