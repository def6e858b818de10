#include "support/unit.h"

#include "base/siphash.h"

// The vectors of the authors' own program: key 00 01 … 0f, the bytes 00 01 ….
static const struct siphash_key key = {
    {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)}};

TEST(test_vectors)
{
    static const struct {
        size_t count;
        uint64_t want;
    } vectors[] = {
        {0, UINT64_C(0x726fdb47dd0e0e31)}, {1, UINT64_C(0x93f5f5799a932462)},
        {2, UINT64_C(0x3f2acc7f57c29bdb)}, {7, UINT64_C(0xb78dbfaf3a8d83bd)},
        {8, UINT64_C(0xacd2c40b8502cad8)},
    };
    uint64_t numbers[8];
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        numbers[i] = UINT64_C(0x0706050403020100) + i * UINT64_C(0x0808080808080808);
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
        assert_true(siphash_numbers(&key, numbers, vectors[i].count) == vectors[i].want);
}

TEST(test_each_part_counts)
{
    const struct siphash_key other = {{key.words[0], key.words[1] + 1}};
    const uint64_t numbers[] = {1, 2}, swapped[] = {2, 1};
    const uint64_t hash = siphash_numbers(&key, numbers, 2);
    assert_true(hash != siphash_numbers(&other, numbers, 2));
    assert_true(hash != siphash_numbers(&key, swapped, 2));
    assert_true(hash != siphash_numbers(&key, numbers, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_each_part_counts),
    };
    return cmocka_run_group_tests_name("siphash", tests, NULL, NULL);
}
