#include "support/unit.h"

#include "base/address.h"
#include "sys/port_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct endpoint endpoint_of(const char *text)
{
    struct address a;
    assert_null(address_parse(slice_of(text), &a));
    return a.endpoint;
}

// ---- a made-up /proc
// -----------------------------------------------------------------------------

static char proc[] = "/tmp/tined-owner-XXXXXX";

static void put_file(const char *name, const char *content)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", proc, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(content, f);
    fclose(f);
}

static void put_dir(const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", proc, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void put_process(unsigned pid, const char *comm, const char *const *links)
{
    char name[64], path[256];
    snprintf(name, sizeof(name), "%u", pid);
    put_dir(name);
    snprintf(name, sizeof(name), "%u/fd", pid);
    put_dir(name);
    snprintf(name, sizeof(name), "%u/comm", pid);
    put_file(name, comm);
    for (int i = 0; links[i]; i++) {
        snprintf(path, sizeof(path), "%s/%u/fd/%d", proc, pid, i);
        assert_int_equal(symlink(links[i], path), 0);
    }
}

#define TCP_LINE(sl, address, state, inode)                                                  \
    "   " sl ": " address " 00000000:0000 " state " 00000000:00000000 00:00000000 00000000 " \
    "    0        0 " inode " 1 0000000000000000 100 0 0 10 0\n"
#define TCP6_LINE(sl, address, state, inode)                                                   \
    "   " sl ": " address " 00000000000000000000000000000000:0000 " state                      \
    " 00000000:00000000 00:00000000 00000000     0        0 " inode " 1 0000000000000000 100 " \
    "0 0 10 0\n"

static void put_stat(unsigned pid, const char *comm, unsigned parent)
{
    char name[64], content[128];
    snprintf(name, sizeof(name), "%u/stat", pid);
    snprintf(content, sizeof(content), "%u (%s) S %u 1 1 0 -1 4194560", pid, comm, parent);
    put_file(name, content);
}

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(proc))
        return -1;
    put_dir("net");
    put_file("net/tcp", "  sl  local_address rem_address   st tx_queue rx_queue …\n" TCP_LINE(
                            "0", "0100007F:1F90", "0A", "100") // 127.0.0.1:8080
             TCP_LINE("1", "0100007F:1F91", "01", "101")       // 127.0.0.1:8081, established
             TCP_LINE("2", "00000000:1F92", "0A", "102")       // 0.0.0.0:8082
             TCP_LINE("4", "00000000:1F97", "0A", "200")       // 0.0.0.0:8087
             TCP_LINE("5", "00000000:1F98", "0A", "201")       // 0.0.0.0:8088
             TCP_LINE("6", "00000000:1F99", "0A", "202")       // 0.0.0.0:8089
             TCP_LINE("7", "00000000:1F9A", "0A", "203")       // 0.0.0.0:8090
             TCP_LINE("3", "00000000:1F93", "0A", "999"));     // nobody's
    put_file("net/tcp6", "  sl  local_address …\n" TCP6_LINE(
                             "0", "00000000000000000000000000000000:1F94", "0A", "104") // [::]:8084
             TCP6_LINE("1", "00000000000000000000000001000000:1F95", "0A", "105") // [::1]:8085
             TCP6_LINE("2", "000080FE000000000000000001000000:1F96", "0A", "106"));
    put_file("net/unix",
             "Num       RefCount Protocol Flags    Type St Inode Path\n"
             "0000000000000000: 00000002 00000000 00010000 0001 01 107 /run/a b.sock\n"
             "0000000000000000: 00000003 00000000 00000000 0001 03 108 /run/accepted.sock\n"
             "0000000000000000: 00000002 00000000 00010000 0001 01 109 @tined\n"
             "0000000000000000: 00000002 00000000 00010000 0001 01 110\n");
    put_process(812, "nginx\n", (const char *const[]){"/dev/null", "socket:[100]", NULL});
    put_process(813, "nginx worker\n", (const char *const[]){"socket:[100]", NULL});
    put_process(9, "caddy\n", (const char *const[]){"socket:[1000]", "socket:[102]", NULL});
    put_process(1000, "x\033[2J\n",
                (const char *const[]){"socket:[104]", "socket:[105]", "socket:[106]", NULL});
    put_process(1001, "a\n",
                (const char *const[]){"socket:[107]", "socket:[101]", "socket:[108]", NULL});
    put_process(1002, "", (const char *const[]){"socket:[109]", NULL});
    // Of one name: a master with a worker, a worker that was left, this process.
    put_process(700, "ti (n) d\n", (const char *const[]){"socket:[200]", "socket:[203]", NULL});
    put_stat(700, "ti (n) d", 1);
    put_process(701, "ti (n) d\n", (const char *const[]){"socket:[200]", NULL});
    put_stat(701, "ti (n) d", 700);
    put_process(702, "ti (n) d\n", (const char *const[]){"socket:[201]", "socket:[203]", NULL});
    put_stat(702, "ti (n) d", 1);
    put_process(703, "ti (n) d\n", (const char *const[]){"socket:[202]", NULL});
    put_stat(703, "ti (n) d", 1);
    put_stat(812, "nginx", 1);
    put_dir("1003"); // a process that ended, or is not ours to look at
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", proc);
    return system(command);
}

TEST(test_workers_that_were_left)
{
    static const struct {
        const char *address;
        pid_t self;
        bool is_left;
    } cases[] = {
        {"127.0.0.1:8087", 703, false}, // a master that lives
        {"127.0.0.1:8088", 703, true},
        {"127.0.0.1:8088", 702, false}, // our own
        {"127.0.0.1:8089", 703, false},
        {"127.0.0.1:8090", 703, false}, // one was left, one is a master
        {"127.0.0.1:8080", 703, false}, // of another name
        {"127.0.0.1:8088", 812, false}, // the same
        {"127.0.0.1:8088", 4, false},   // without a name
        {"0.0.0.0:8083", 703, true},    // the holder is not to be seen, and one was left
        {"0.0.0.0:8083", 702, true},    // as 703 is to it
        {"0.0.0.0:8083", 812, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct endpoint e = endpoint_of(cases[i].address);
        if (port_owner_is_left_in(proc, cases[i].self, &e) != cases[i].is_left)
            fail_msg("%s for %d", cases[i].address, (int)cases[i].self);
    }
}

TEST(test_tables)
{
    static const struct {
        const char *address, *holder;
    } cases[] = {
        {"127.0.0.1:8080", "nginx (pid 812) and 1 more"},
        {"0.0.0.0:8080", "nginx (pid 812) and 1 more"},
        {"127.0.0.2:8080", "unknown"},
        {"127.0.0.1:8081", "unknown"}, // not listening
        {"192.0.2.1:8082", "caddy (pid 9)"},
        {"0.0.0.0:8082", "caddy (pid 9)"},
        {"0.0.0.0:8083", "unknown"},
        {"[::]:8082", "unknown"},
        {"[::]:8084", "x?[2J (pid 1000)"},
        {"[2001:db8::1]:8084", "x?[2J (pid 1000)"},
        {"0.0.0.0:8084", "x?[2J (pid 1000)"}, // [::] without IPV6_V6ONLY
        {"192.0.2.1:8084", "x?[2J (pid 1000)"},
        {"[::1]:8085", "x?[2J (pid 1000)"},
        {"[::]:8085", "x?[2J (pid 1000)"},
        {"[::2]:8085", "unknown"},
        {"0.0.0.0:8085", "unknown"},
        {"[fe80::1%3]:8086", "x?[2J (pid 1000)"},
        {"unix:/run/a b.sock", "a (pid 1001)"},
        {"unix:/run/a", "unknown"},
        {"unix:/run/accepted.sock", "unknown"},
        {"unix:@tined", "a process (pid 1002)"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[PORT_OWNER_TEXT_MAX];
        struct endpoint e = endpoint_of(cases[i].address);
        port_owner_find_in(proc, &e, text);
        if (strcmp(text, cases[i].holder) != 0)
            fail_msg("%s: got \"%s\", want \"%s\"", cases[i].address, text, cases[i].holder);
    }
}

TEST(test_without_proc)
{
    char text[PORT_OWNER_TEXT_MAX];
    struct endpoint e = endpoint_of("127.0.0.1:8080");
    assert_string_equal(port_owner_find_in("/nonexistent", &e, text), "unknown");
}

// ---- the real one
// --------------------------------------------------------------------------------

TEST(test_finds_itself)
{
    static const char *const addresses[] = {"127.0.0.1:0", "[::1]:0", "unix:@tined-test-owner"};
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        struct endpoint e = endpoint_of(addresses[i]);
        char text[PORT_OWNER_TEXT_MAX], want[PORT_OWNER_TEXT_MAX];
        int fd = socket(e.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 && errno == EAFNOSUPPORT)
            continue;
        if (bind(fd, &e.sa, e.len) < 0 || listen(fd, 1) < 0) {
            assert_int_equal(errno, EADDRNOTAVAIL); // no [::1] here
            close(fd);
            continue;
        }
        assert_int_equal(getsockname(fd, &e.sa, &e.len), 0);
        snprintf(want, sizeof(want), "test_port_owner (pid %d)", (int)getpid());
        assert_string_equal(port_owner_find(&e, text), want);
        close(fd);
        assert_string_equal(port_owner_find(&e, text), "unknown");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_workers_that_were_left),
        cmocka_unit_test(test_without_proc),
        cmocka_unit_test(test_finds_itself),
    };
    return cmocka_run_group_tests_name("port_owner", tests, setup, teardown);
}
