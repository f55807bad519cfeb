// A user of the installed library: exits with 0 if the nearest points are the right ones.
#include <kith/kith.h>

int main() {
  const float points[] = {0, 0, 3, 4, 6, 8};
  const float query[] = {3, 3};
  kith::BuildOptions options;
  options.metric = kith::Metric::kEuclidean;
  if (!kith::BuildIndex(kith::ViewOf(points, 3, 2), "points.kith", options).ok()) return 1;
  const auto index = kith::OpenIndex("points.kith");
  kith::SearchResult found;
  if (!index.ok() || !(*index)->Search(kith::ViewOf(query, 1, 2), {.k = 2}, &found).ok()) return 2;
  return found.ids[0] == 1 && found.distances[0] == 1 && found.ids[1] == 0 ? 0 : 3;
}
