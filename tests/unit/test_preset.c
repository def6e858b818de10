#include "support/unit.h"

#include "http/fieldline.h"
#include "http/preset.h"

#include <stdio.h>

// A built-in set could be written by hand.
TEST(test_fields_are_good)
{
    size_t count;
    const struct preset_field *fields = preset_fields(&count);
    char line[512];
    assert_int_equal(count, 7);
    for (size_t i = 0; i < count; i++) {
        snprintf(line, sizeof(line), "%s: %s", fields[i].name, fields[i].value);
        assert_null(fieldline_check_set(slice_of(line)));
        assert_null(preset_check(slice_of(fields[i].preset)));
        assert_int_equal(fields[i].why[strlen(fields[i].why) - 1], '.');
        assert_null(strstr(fields[i].why, ". "));
        // Only where TLS is spoken may it be promised (RFC 6797 section 7.2).
        assert_int_equal(
            fields[i].only_https,
            slice_equal_nocase(slice_of(fields[i].name), SLICE("Strict-Transport-Security")));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(fields[i].name, fields[j].name);
    }
}

TEST(test_unknown_name)
{
    assert_non_null(strstr(preset_check(SLICE("secure")), "\"security\""));
    assert_non_null(preset_check(SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_are_good),
        cmocka_unit_test(test_unknown_name),
    };
    return cmocka_run_group_tests_name("preset", tests, NULL, NULL);
}
