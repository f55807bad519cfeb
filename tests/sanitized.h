// Whether this is a build with a sanitizer, which is an order of magnitude slower. Tests do there
// what they do elsewhere, on fewer vectors.
#ifndef KITH_TESTS_SANITIZED_H_
#define KITH_TESTS_SANITIZED_H_

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KITH_SANITIZED 1
#elif defined(__has_feature)
#define KITH_SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define KITH_SANITIZED 0
#endif

namespace kith::testing {

inline constexpr bool kSanitized = KITH_SANITIZED;

}  // namespace kith::testing

#endif  // KITH_TESTS_SANITIZED_H_
