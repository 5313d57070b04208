//! The schema of the standard catalog is checked in: what changes for clients shows in the diff of every change.

use tenants::testing;

use super::World;

#[tokio::test]
async fn the_checked_in_schema_is_the_standard_one() {
    let world = World::new().await;
    let sdl = world.endpoint.sdl(testing::caller(&world.db), world.db.clone()).await.unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../schema.graphql");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, &sdl).unwrap();
    }
    let known = std::fs::read_to_string(path).unwrap_or_default();
    assert!(sdl == known, "schema.graphql is not up to date; run this test with UPDATE_SCHEMA=1 and read the diff");
}
