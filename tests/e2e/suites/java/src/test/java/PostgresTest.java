import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.testcontainers.containers.PostgreSQLContainer;
import org.testcontainers.utility.MountableFile;

/** A PostgreSQL suite as a project would write it: nothing here knows what is behind DOCKER_HOST. */
class PostgresTest {
  private static final PostgreSQLContainer<?> POSTGRES =
      new PostgreSQLContainer<>("postgres:16")
          .withDatabaseName("appdb")
          .withUsername("app")
          .withPassword("secret")
          .withCopyFileToContainer(
              MountableFile.forHostPath("../init.sql"), "/docker-entrypoint-initdb.d/init.sql");

  @BeforeAll
  static void start() {
    POSTGRES.start();
  }

  @AfterAll
  static void stop() {
    POSTGRES.stop();
  }

  @Test
  void theInitScriptRan() throws SQLException {
    try (var db = connect("secret")) {
      assertEquals(2, number(db, "select count(*) from seeded"));
    }
  }

  @Test
  void tablesCanBeMadeAndRead() throws SQLException {
    try (var db = connect("secret"); var statement = db.createStatement()) {
      statement.execute("create table numbers (n int)");
      statement.execute("insert into numbers values (1), (2)");
      assertEquals(3, number(db, "select sum(n) from numbers"));
    }
  }

  @Test
  void aWrongPasswordIsRefused() {
    var refused = assertThrows(SQLException.class, () -> connect("guess").close());
    assertTrue(refused.getMessage().contains("password authentication failed"), refused.getMessage());
  }

  @Test
  void aCommandRunsInside() throws Exception {
    var result =
        POSTGRES.execInContainer(
            "psql", "-U", "app", "appdb", "-Atc", "select name from seeded where id = 2");
    assertEquals(0, result.getExitCode(), result.getStderr());
    assertEquals("bob\n", result.getStdout());
  }

  @Test
  void theLogCanBeRead() {
    assertTrue(POSTGRES.getLogs().contains("ready to accept connections"));
  }

  private static Connection connect(String password) throws SQLException {
    return DriverManager.getConnection(POSTGRES.getJdbcUrl(), "app", password);
  }

  private static int number(Connection db, String query) throws SQLException {
    try (var statement = db.createStatement(); var rows = statement.executeQuery(query)) {
      rows.next();
      return rows.getInt(1);
    }
  }
}
