package org.ondemandtls.store.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;

/** {@link StoreDirectory}: what a mount opened is closed again, and what others could read is refused. */
class StoreDirectoryTest {

    @TempDir
    private Path base;

    private final RecordedEvents recorded = new RecordedEvents();
    private final StoreDirectory directory = new StoreDirectory(recorded.events(), StableStorage.OF_MACHINE);
    private Path root;

    @BeforeEach
    void mount() throws IOException {
        root = Files.createDirectory(base.resolve("volume"));
    }

    private static void allow(Path path, String permissions) throws IOException {
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(permissions));
    }

    private static String allowed(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }

    private StoreDirectory ofSomebodyElse() {
        return ofSomebodyElse(Set.of(root));
    }

    private StoreDirectory ofSomebodyElse(Set<Path> theirs) {
        return new StoreDirectory(recorded.events(), StableStorage.OF_MACHINE, path -> {
            if (theirs.contains(path)) {
                throw new FileSystemException(path.toString(), null, "Operation not permitted");
            }
            allow(path, "rwx------");
        });
    }

    @Test
    void takesBackWhatAGroupWasGivenAndSaysSo() throws Exception {
        Files.writeString(root.resolve("FORMAT"), "1");
        allow(root, "rwxrwx---");

        assertThat(directory.ready(root)).isEqualTo(root);

        assertThat(allowed(root)).isEqualTo("rwx------");
        assertThat(recorded.lines(EventKind.ADVICE))
                .singleElement()
                .asString()
                .contains(root.toString(), "rwxrwx---", "fsGroupChangePolicy");
    }

    @Test
    void isMadeInADirectoryThatIsALink() throws Exception {
        Path link = Files.createSymbolicLink(base.resolve("link"), root);

        assertThat(directory.ready(link.resolve("store"))).isDirectory();

        assertThat(allowed(root.resolve("store"))).isEqualTo("rwx------");
    }

    @Test
    void refusesAFileSystemThatKeepsNoPermissionsAtTheFirstStart() throws Exception {
        allow(root, "rwxrwxrwx");

        assertThatThrownBy(
                        () -> new StoreDirectory(recorded.events(), StableStorage.OF_MACHINE, path -> {}).ready(root))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("stays open to other users (rwxrwxrwx)")
                .hasMessageContaining("dir_mode=0700");
    }

    @Test
    void refusesWhatOthersCanRead() throws Exception {
        Files.writeString(root.resolve("FORMAT"), "1");
        allow(root, "rwxr-xr-x");

        assertThatThrownBy(() -> directory.ready(root))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("chmod -R go-rwx " + root);
    }

    @Test
    void usesADirectoryOfItsOwnInAVolumeThatBelongsToSomebodyElse() throws Exception {
        Files.createDirectory(root.resolve("lost+found"));
        allow(root, "rwxrwxr-x");

        Path store = ofSomebodyElse().ready(root);

        assertThat(store).isEqualTo(root.resolve("ondemand-tls"));
        assertThat(allowed(store)).isEqualTo("rwx------");
        assertThat(recorded.lines(EventKind.ADVICE)).singleElement().asString().contains("so the store is " + store);
    }

    @Test
    void usesTheSameAgainAfterTheNextMountHasOpenedIt() throws Exception {
        allow(root, "rwxrwx---");
        Path store = ofSomebodyElse().ready(root);
        Files.writeString(store.resolve("FORMAT"), "1");
        allow(store, "rwxrwx---");

        assertThat(ofSomebodyElse().ready(root)).isEqualTo(store);

        assertThat(allowed(store)).isEqualTo("rwx------");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void beginsNoOtherStoreBelowTheOneOfSomebodyElse(boolean full) throws Exception {
        Path store = Files.createDirectory(root.resolve("ondemand-tls"));
        if (full) {
            Files.writeString(store.resolve("FORMAT"), "1");
        }
        allow(root, "rwxrwx---");
        allow(store, "rwxrwx---");

        assertThatThrownBy(() -> ofSomebodyElse(Set.of(root, store)).ready(root))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("the store " + store + " belongs to another user (")
                .hasMessageContaining(Files.getOwner(store).getName() + ", rwxrwx---")
                .hasMessageEndingWith("chown -R USER: " + store);

        assertThat(store.resolve("ondemand-tls")).doesNotExist();
    }

    @Test
    void beginsNoOtherStoreInOneOfSomebodyElse() throws Exception {
        Files.writeString(root.resolve("FORMAT"), "1");
        allow(root, "rwxrwx---");

        assertThatThrownBy(() -> ofSomebodyElse().ready(root))
                .isInstanceOf(StoreException.class)
                .hasMessageEndingWith("chown -R USER: " + root);

        assertThat(root.resolve("ondemand-tls")).doesNotExist();
    }

    @Test
    void isNoTroubleForTheLookAtPermissionsIfItHasNone() throws Exception {
        allow(root, "---------");

        assertThat(directory.ready(root)).isEqualTo(root);
    }

    @Test
    void takesNoNoticeOfWhatAFileSystemPutsIntoItsRoot() throws Exception {
        Files.createDirectory(root.resolve("lost+found"));
        allow(root, "rwxr-xr-x");

        assertThat(directory.ready(root)).isEqualTo(root);

        assertThat(allowed(root)).isEqualTo("rwx------");
        assertThat(recorded.lines(EventKind.ADVICE)).isEmpty();
    }

    @Test
    void canBeLockedAfterItCouldNotBe() throws Exception {
        ManualTime time = new ManualTime();
        Path inTheWay = Files.createDirectory(root.resolve("lock"));
        assertThatThrownBy(() -> DirectoryLock.take(root, Duration.ZERO, time.machine(), recorded.events()))
                .isInstanceOf(IOException.class);
        Files.delete(inTheWay);

        DirectoryLock.take(root, Duration.ZERO, time.machine(), recorded.events())
                .close();
    }

    @Test
    void isInUseWhereAnotherCopyOfTheseClassesHasIt() throws Exception {
        ManualTime time = new ManualTime();
        try (FileChannel other =
                FileChannel.open(root.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            other.lock();

            assertThatThrownBy(() -> DirectoryLock.take(root, Duration.ZERO, time.machine(), recorded.events()))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("is in use by another server");
            Object inode = Files.getAttribute(root.resolve("lock"), "unix:ino");
            assertThat(Files.readAllLines(Path.of("/proc/locks")))
                    .as("who looked has not taken the other's lock away")
                    .anyMatch(line -> line.contains(":" + inode + " "));
        }
        DirectoryLock.take(root, Duration.ZERO, time.machine(), recorded.events())
                .close();
    }

    @Test
    void refusesAFileSystemWithoutPosixPermissionsInOneLine() throws Exception {
        try (FileSystem foreign = FileSystems.newFileSystem(base.resolve("foreign.zip"), Map.of("create", "true"))) {
            assertThatThrownBy(() -> directory.ready(foreign.getPath("/store")))
                    .isInstanceOf(StoreException.class)
                    .hasMessageContaining("without POSIX permissions")
                    .hasMessageContaining("Windows is not supported");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Keine Sperren verfügbar", "Function not implemented", "Invalid argument"})
    void saysWhatToDoWhereAFileSystemGivesNoLocks(String answer) throws Exception {
        ManualTime time = new ManualTime();

        assertThatThrownBy(() -> DirectoryLock.take(root, Duration.ZERO, time.machine(), recorded.events(), channel -> {
                    throw new IOException(answer);
                }))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("cannot be locked (IOException " + answer + ")")
                .hasMessageContaining("gives no locks: on NFS start the lock service (rpc.statd)");

        DirectoryLock.take(root, Duration.ZERO, time.machine(), recorded.events())
                .close();
    }

    @Test
    void doesNotBlameTheLocksWhereAFileCannotBeWrittenEither() {
        ManualTime time = new ManualTime();
        IOException broken = new IOException("Input/output error");

        assertThatThrownBy(() -> DirectoryLock.take(root, Duration.ZERO, time.machine(), recorded.events(), channel -> {
                    channel.close();
                    throw broken;
                }))
                .isSameAs(broken);
    }
}
