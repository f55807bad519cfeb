// Places on the globe: points of the unit sphere, and distances in km.
#include "kith/geo.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace kith {
namespace {

double KmBetween(double lat_a, double lon_a, double lat_b, double lon_b) {
  const auto points = SpherePoints(std::vector{lat_a, lat_b}, std::vector{lon_a, lon_b});
  EXPECT_TRUE(points.ok());
  double squares = 0;
  for (size_t i = 0; i < 3; ++i) squares += std::pow((*points)[i] - (*points)[3 + i], 2);
  return ChordToKm(std::sqrt(squares));
}

TEST(GeoTest, KnownDistances) {
  // A quarter of a great circle, half of one, and a degree.
  const double quarter = std::acos(-1.0) / 2 * kEarthRadiusKm;
  EXPECT_NEAR(KmBetween(0, 0, 0, 90), quarter, 0.01);
  EXPECT_NEAR(KmBetween(90, 0, -90, 0), 2 * quarter, 0.1);
  EXPECT_NEAR(KmBetween(10, 20, 11, 20), quarter / 90, 0.01);
  // London and New York, by the haversine formula.
  EXPECT_NEAR(KmBetween(51.5074, -0.1278, 40.7128, -74.0060), 5570.23, 0.1);
}

TEST(GeoTest, NearOverTheDateLineAndThePole) {
  EXPECT_NEAR(KmBetween(0, 179.5, 0, -179.5), KmBetween(0, 0, 0, 1), 0.01);
  EXPECT_NEAR(KmBetween(89.5, 0, 89.5, 180), KmBetween(0, 0, 1, 0), 0.01);
  EXPECT_NEAR(KmBetween(5, 350, 5, -10), 0, 0.001);
}

TEST(GeoTest, RefusesWhatIsNoPlace) {
  const std::vector<double> fine{0, 1};
  for (const double bad : {90.5, -91.0, std::numeric_limits<double>::quiet_NaN()}) {
    const auto points = SpherePoints(std::vector{0.0, bad}, fine);
    ASSERT_FALSE(points.ok());
    EXPECT_NE(points.status().message().find("place 1 has latitude"), std::string::npos)
        << points.status().message();
  }
  EXPECT_FALSE(SpherePoints(fine, std::vector{0.0, 361.0}).ok());
  EXPECT_FALSE(SpherePoints(fine, std::vector{0.0}).ok());
}

TEST(GeoTest, BlocksAreAboutAsLargeEverywhere) {
  // On either side of the date line, and of an edge of a block; near the pole they are wide.
  const std::vector latitudes{1.0, 1.0, 1.0, 6.0, 89.0, 89.0, 60.0, 60.0};
  const std::vector longitudes{179.9, -180.0, 180.0, 180.0, 1.0, 50.0, 1.0, 5.0};
  const auto blocks = GlobeBlocks(latitudes, longitudes, 5);
  ASSERT_TRUE(blocks.ok());
  const std::vector<uint64_t>& b = *blocks;
  EXPECT_NE(b[0], b[1]);
  EXPECT_EQ(b[1], b[2]);
  EXPECT_NE(b[2], b[3]);
  EXPECT_EQ(b[4], b[5]);
  EXPECT_EQ(b[6], b[7]);
  for (const double bad : {0.0, -1.0, 181.0, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_FALSE(GlobeBlocks(latitudes, longitudes, bad).ok());
  }
  EXPECT_FALSE(GlobeBlocks(latitudes, std::vector{1.0}, 5).ok());
}

}  // namespace
}  // namespace kith
