import org.junit.jupiter.api.Test;

/**
 * Surefire fetches its JUnit provider only when a test really runs. This one needs no engine, so that
 * ../prepare can fetch everything, and the suite then runs without a network.
 */
class NothingTest {
  @Test
  void nothing() {}
}
