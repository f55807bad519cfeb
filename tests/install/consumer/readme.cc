// Runs the snippet of README.md, which the test copies to readme.h.
#include <readme.h>

#include <cstdio>

int main() {
  const float vectors[] = {0, 0, 3, 4, 6, 8};
  kith::SearchResult found;
  const kith::Status status =
      FindNeighbours(kith::ViewOf(vectors, 3, 2), kith::ViewOf(vectors, 1, 2), &found);
  if (!status.ok()) std::printf("%s\n", status.message().c_str());
  const bool right = status.ok() && found.k == 3 && found.ids[2] == 2 && found.distances[1] == 5;
  const float none[] = {0, 0};
  const bool refused =
      !FindNeighbours(kith::ViewOf(none, 0, 2), kith::ViewOf(none, 1, 2), &found).ok();
  return right && refused ? 0 : 1;
}
