// The version of the library; kept equal to CMakeLists.txt by a test.
#ifndef KITH_VERSION_H_
#define KITH_VERSION_H_

#define KITH_VERSION "0.1.0"

#endif  // KITH_VERSION_H_
