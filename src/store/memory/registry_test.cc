#include "store/memory/registry.h"

#include "store/test_registry.h"

namespace cardea::store {
namespace {

struct Memory {
  std::int64_t now = 0;
  memory::Registry registry{[this] { return now; }};
  RegistryStore& store() { return registry; }
  void set_time(std::int64_t time) { now = time; }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, RegistryStoreSuite, Memory);

}  // namespace
}  // namespace cardea::store
