// What one core of this machine can do, measured: memory streamed, and the rate of the instructions
// that exact search is made of.
#ifndef KITH_BENCH_MACHINE_LIMITS_H_
#define KITH_BENCH_MACHINE_LIMITS_H_

#include <string>

namespace kith::bench {

// A sequence of instructions, and how many coordinates a second it can deal with, in 10^9. 0 where
// the processor, or this program (it knows x86 with AVX-512), does not have it.
struct Peak {
  std::string name;
  double coordinates = 0;
};

struct MachineLimits {
  double bandwidth = 0;  // 10^9 bytes a second, from memory that no cache holds
  Peak fma;              // float32 multiply-add
  Peak float_l1;         // subtract, clear the sign, add
  Peak bf16_dot;         // vdpbf16ps
  Peak byte_dot;         // vpdpbusd
  Peak byte_l1;          // vpsadbw, add
  Peak bits;             // xor, vpopcntd, add
};

// Takes a few seconds and 512 MB of memory.
MachineLimits MeasureLimits();

}  // namespace kith::bench

#endif  // KITH_BENCH_MACHINE_LIMITS_H_
