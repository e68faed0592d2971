#include "store/memory/objects.h"

#include "store/test_objects.h"

namespace cardea::store {
namespace {

struct Memory {
  memory::Objects objects;
  ObjectStore& store() { return objects; }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, ObjectStoreSuite, Memory);

}  // namespace
}  // namespace cardea::store
