// Whether this is a build with a sanitizer, which is an order of magnitude slower. Tests do there
// what they do elsewhere, on fewer vectors.
#ifndef KITH_TESTS_SANITIZED_H_
#define KITH_TESTS_SANITIZED_H_

namespace kith::testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
inline constexpr bool kSanitized =
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace kith::testing

#endif  // KITH_TESTS_SANITIZED_H_
