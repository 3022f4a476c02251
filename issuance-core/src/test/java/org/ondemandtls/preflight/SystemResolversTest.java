package org.ondemandtls.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@link SystemResolvers}: what {@code resolv.conf} says now. */
class SystemResolversTest {

    @TempDir
    private Path directory;

    private static InetSocketAddress at(String address) {
        return new InetSocketAddress(address, 53);
    }

    @Test
    void areReadAgainWhenTheFileChanges() throws Exception {
        Path file = Files.writeString(
                directory.resolve("resolv.conf"), "# ours\nsearch example\nnameserver 192.0.2.53\nnameserver ::1\n");
        SystemResolvers resolvers = new SystemResolvers(file);
        assertThat(resolvers.get()).containsExactly(at("192.0.2.53"), at("::1"));

        Path other = Files.writeString(directory.resolve("other"), "nameserver 198.51.100.53\n");
        Files.move(other, file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);

        assertThat(resolvers.get()).containsExactly(at("198.51.100.53"));
        Files.delete(file);
        assertThat(resolvers.get()).as("what was read last stays").containsExactly(at("198.51.100.53"));
    }

    @Test
    void areReadWithARemarkBehindThemAndWithoutThoseOfAnInterfaceThatIsNotThere() throws Exception {
        Path file = Files.writeString(
                directory.resolve("resolv.conf"),
                "nameserver fe80::1%br-none\nnameserver\t192.0.2.53 # the router\nnameserver 192.0.2.54;\n");

        assertThat(new SystemResolvers(file).get()).containsExactly(at("192.0.2.53"));
    }

    @Test
    void areTheMachineItselfWhereTheFileNamesNone() throws Exception {
        Path file = Files.writeString(directory.resolve("resolv.conf"), "nameserver dns.example\noptions ndots:1\n");

        assertThat(new SystemResolvers(file).get()).containsExactly(at("127.0.0.1"));
    }

    @Test
    void areAskedOfTheSystemWhereThereIsNoFile() {
        assertThat(new SystemResolvers(directory.resolve("none")).get()).isNotNull();
    }
}
