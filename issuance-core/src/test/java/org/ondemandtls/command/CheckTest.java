package org.ondemandtls.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.testing.ManualTime;

/** {@code check FILE}: all mistakes of a configuration, and nothing is opened. */
class CheckTest {

    private final ManualTime time = new ManualTime();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    @TempDir
    private Path base;

    @Test
    void aJettyFileWithoutMistakesIsFine() throws Exception {
        Path ini = write("start.d/ondemand-tls.ini", """
                # onDemandTls.issuer=nobody
                --modules=ondemand-tls
                jetty.ssl.port=443
                onDemandTls.permission.ask=http://localhost:9123/check
                onDemandTls.handshake.deadline?=20s
                """);

        assertThat(run("check", ini.toString())).as(said()).isEqualTo(Command.DONE);

        assertThat(said()).contains("no mistake in 2 keys");
        assertThat(base.resolve("ondemand-tls")).doesNotExist();
    }

    @Test
    void everyMistakeHasALine() throws Exception {
        Path ini = write("start.d/ondemand-tls.ini", "onDemandTls.issuer=nobody\nonDemandTls.isuer=internal\n");

        assertThat(run("check", ini.toString())).isEqualTo(Command.INCOMPLETE);

        assertThat(said().lines())
                .anyMatch(line -> line.startsWith(ini + ": onDemandTls.issuer"))
                .anyMatch(line -> line.contains("onDemandTls.isuer"))
                .anyMatch(line -> line.contains("onDemandTls.permission"))
                .allMatch(line -> line.startsWith(ini + ": "));
    }

    @ParameterizedTest
    @ValueSource(strings = {"UTF-8", "UTF-16", "ISO-8859-1"})
    void aServerXmlIsReadInTheEncodingItNames(String encoding) throws Exception {
        String mark = encoding.equals("UTF-8") ? "\ufeff" : "";
        Path xml = Files.createDirectories(base.resolve("conf")).resolve("server.xml");
        Files.write(
                xml,
                (mark + "<?xml version='1.0' encoding='" + encoding + "'?>\r\n"
                                + "<!DOCTYPE Server [<!ENTITY more SYSTEM 'file:///nowhere.xml'>]>\r\n"
                                + "<!-- f\u00fcr den Shop --><Server><Service>&more;\r\n"
                                + "<Connector port='443' protocol='org.ondemandtls.tomcat.OnDemandTlsProtocol'\r\n"
                                + " onDemandTls.issuer='nobody'\r\n onDemandTls.permission.names='a.example.com'/>\r\n"
                                + "</Service></Server>")
                        .getBytes(encoding));

        assertThat(run("check", xml.toString())).as(said()).isEqualTo(Command.INCOMPLETE);

        assertThat(said().lines())
                .singleElement()
                .asString()
                .startsWith(xml + ", connector on port 443: onDemandTls.issuer");
    }

    @Test
    void anIniFileOfAnotherEncodingIsReadTheSame() throws Exception {
        Path ini = write("start.d/ondemand-tls.ini", "");
        Files.write(
                ini,
                "# f\u00fcr den Shop\nonDemandTls.permission.names=a.example.com\n"
                        .getBytes(StandardCharsets.ISO_8859_1));

        assertThat(run("check", ini.toString())).as(said()).isEqualTo(Command.DONE);
    }

    @Test
    void aJettyBaseThatNamesTheModuleInItsStartIniLacksPermission() throws Exception {
        write("start.ini", "--modules=http,ondemand-tls\n");

        assertThat(run("check", base.toString())).isEqualTo(Command.INCOMPLETE);
        assertThat(said()).contains("onDemandTls.permission");
    }

    @Test
    void anOptionMayBeWrittenWithAnEqualsSign() throws Exception {
        Path ini = write("elsewhere/x.ini", "onDemandTls.permission.file=names\n");
        write("names", "a.example.com\n");

        assertThat(run("check", ini.toString(), "--base=" + base)).as(said()).isEqualTo(Command.DONE);
        assertThat(run("check", ini.toString(), "--bas=" + base)).isEqualTo(Command.FAILED);
    }

    @Test
    void whatOnlyTheRunningServerKnowsIsNotChecked() throws Exception {
        write("conf/catalina.properties", "ask.host=localhost\n");
        Path xml = write("conf/server.xml", """
                <Server><Service><Connector port="443" protocol="org.ondemandtls.tomcat.OnDemandTlsProtocol"
                  onDemandTls.permission.ask="${ASK_URL}" onDemandTls.store="${catalina.base}/certificates"
                  onDemandTls.handshake.deadline="${deadline:-20s}"/>
                <Connector port="444" protocol="org.ondemandtls.tomcat.OnDemandTlsProtocol"
                  onDemandTls.permission.ask="http://${ask.host}/check" onDemandTls.handshake.deadline="${deadline:-20}"/>
                </Service></Server>
                """);

        assertThat(run("check", xml.toString())).as(said()).isEqualTo(Command.INCOMPLETE);

        assertThat(said().lines())
                .satisfiesExactly(
                        line -> assertThat(line)
                                .endsWith("443: onDemandTls.permission.ask is not checked, because only the running"
                                        + " server knows ${ASK_URL}"),
                        line -> assertThat(line).endsWith("443: no mistake in 3 keys"),
                        line -> assertThat(line).contains("444: onDemandTls.handshake.deadline: \"20\""));
    }

    @Test
    void propertiesOfTheJvmCountWhereTheConnectorSaysNothing() throws Exception {
        write("conf/catalina.properties", """
                onDemandTls.permission.names=shop.example.com
                onDemandTls.handshake.deadline=never
                onDemandTls.store=${catalina.base}/nowhere
                onDemandTls.isuer=internal
                """);
        Path xml = write("conf/server.xml", """
                <Server><Service><Connector port="443" protocol="org.ondemandtls.tomcat.OnDemandTlsProtocol"
                  onDemandTls.issuer="internal"/>
                <Connector port="444" protocol="org.ondemandtls.tomcat.OnDemandTlsProtocol"
                  onDemandTls.handshake.deadline="20s"/>
                </Service></Server>
                """);

        assertThat(run("check", xml.toString())).isEqualTo(Command.INCOMPLETE);

        assertThat(said())
                .contains("443: onDemandTls.handshake.deadline: \"never\"")
                .contains("443: onDemandTls.isuer")
                .doesNotContain("no permission source")
                .doesNotContain("444: onDemandTls.handshake");

        write("conf/catalina.properties", "onDemandTls.permission.names=shop.example.com\n");
        assertThat(run("check", xml.toString())).as(said()).isEqualTo(Command.DONE);
        assertThat(said()).contains("443: no mistake in 2 keys");
    }

    @Test
    void whatJettyAppendsAndWhatItDefaultsIsReadAsJettyDoes() throws Exception {
        write("start.ini", """
                --modules=ondemand-tls
                onDemandTls.permission.names=shop.example.com
                onDemandTls.handshake.deadline?=20s
                onDemandTls.status.addresses+=,10.0.0.0/8
                """);
        write("start.d/more.ini", """
                onDemandTls.permission.names+=,www.example.com
                onDemandTls.handshake.deadline?=never
                onDemandTls.status.addresses+=,192.168.0.0/16
                """);

        assertThat(run("check", base.toString())).as(said()).isEqualTo(Command.DONE);
        assertThat(said()).contains("no mistake in 3 keys");

        write("start.d/wrong.ini", "onDemandTls.permission.names+=,not a name\n");
        assertThat(run("check", base.toString())).isEqualTo(Command.INCOMPLETE);
        assertThat(said()).contains("onDemandTls.permission.names: \"not a name\"");
    }

    @Test
    void aFileOfSpringBootIsCheckedInItsSpelling() throws Exception {
        Path file = write("application.properties", """
                server.port=80
                ondemand-tls.enabled=true
                ondemand-tls.port=443
                ondemand-tls.redirect=true
                ondemand-tls.redirect-port=443
                ondemand-tls.page=true
                ondemand-tls.page-password=secret
                ondemand-tls.permission.names[0]=shop.example.com
                ondemand-tls.permission.names[1]=www.example.com
                ondemand-tls.permission.ask-timeout=3s
                ondemand-tls.acme.directory=${CA:letsencrypt}
                ondemand-tls.store=dataSource
                ondemand-tls.store.create-schema=false
                """);

        assertThat(run("check", file.toString())).as(said()).isEqualTo(Command.DONE);
        assertThat(said()).contains("onDemandTls.acme.directory is not checked");

        write("application.properties", "ondemand-tls.permision.ask=http://localhost\nondemand-tls.issuer=nobody\n");
        assertThat(run("check", file.toString())).isEqualTo(Command.INCOMPLETE);
        assertThat(said())
                .contains("permission is not checked, because a bean")
                .contains("onDemandTls.permision.ask")
                .contains("onDemandTls.issuer: \"nobody\"");

        Path yaml = write("application.yml", "ondemand-tls:\n  issuer: internal\n");
        assertThat(run("check", yaml.toString())).isEqualTo(Command.FAILED);
        assertThat(said()).contains("start the application to check it");
    }

    @Test
    void whatIsInstalledMayHavePlaceholdersToo() throws Exception {
        PrintStream print = new PrintStream(out, true, StandardCharsets.UTF_8);
        Set<String> options = Set.of("--set", "--ask");

        var keys = Command.keys(
                base,
                Arguments.of(
                        new String[] {
                            "--set", "onDemandTls.permission.ask=${ASK_URL}",
                            "--set", "onDemandTls.handshake.deadline=${deadline:-20s}"
                        },
                        options,
                        Set.of()),
                print);

        assertThat(keys)
                .containsEntry("onDemandTls.permission.ask", "${ASK_URL}")
                .containsEntry("onDemandTls.handshake.deadline", "${deadline:-20s}");
        assertThat(said()).contains("onDemandTls.permission.ask is not checked, because only the running server knows");
        Arguments wrong = Arguments.of(
                new String[] {"--set", "onDemandTls.handshake.deadline=${deadline:-20}"}, options, Set.of());
        assertThatThrownBy(() -> Command.keys(base, wrong, print)).hasMessageContaining("deadline: \"20\"");
    }

    @Test
    void whatIsNotThereIsSaidInWords() throws Exception {
        assertThat(run("check", base.resolve("nowhere.ini").toString())).isEqualTo(Command.FAILED);
        assertThat(FileTrouble.inWords(new AccessDeniedException("/a/b"))).startsWith("/a/b may not be used");
        assertThat(FileTrouble.inWords(new NoSuchFileException("/a/b"))).isEqualTo("/a/b is not there");
        assertThat(FileTrouble.inWords(new UncheckedIOException(new NoSuchFileException("/a/b"))))
                .isEqualTo("/a/b is not there");
        assertThat(FileTrouble.inWords(new FileAlreadyExistsException("/a/b")))
                .isEqualTo("/a/b cannot be used (FileAlreadyExists)");
        assertThat(FileTrouble.inWords(new FileSystemException("/a/b", null, "No space left on device")))
                .isEqualTo("/a/b: No space left on device");
    }

    @Test
    void anIniFileWithNothingButItsTemplateLacksPermission() throws Exception {
        Path ini = write("start.d/ondemand-tls.ini", "# onDemandTls.permission.ask=\n");

        assertThat(run("check", ini.toString())).isEqualTo(Command.INCOMPLETE);
        assertThat(said()).contains("onDemandTls.permission");
    }

    @Test
    void aJettyBaseIsCheckedAsAWhole() throws Exception {
        write("start.ini", "onDemandTls.permission.names=shop.example.com\n");
        write("start.d/more.ini", "onDemandTls.issuer=internal\n");

        assertThat(run("check", base.toString())).as(said()).isEqualTo(Command.DONE);
        assertThat(said()).contains("no mistake in 2 keys");
    }

    @Test
    void eachConnectorOfATomcatIsChecked() throws Exception {
        write("conf/server.xml", """
                <?xml version="1.0" encoding="UTF-8"?>
                <!DOCTYPE Server SYSTEM "http://nobody.example/server.dtd">
                <Server><Service>
                  <!-- <Connector protocol="org.ondemandtls.tomcat.OnDemandTlsProtocol"/> -->
                  <Connector port="80" protocol="HTTP/1.1" onDemandTls.issuer="not ours"/>
                  <Connector port="443" protocol="org.ondemandtls.tomcat.OnDemandTlsProtocol"
                             onDemandTls.permission.names="shop.example.com"/>
                  <Connector port="444" protocol="org.ondemandtls.tomcat.OnDemandTlsProtocol"
                             onDemandTls.permission.names="shop.example.com" onDemandTls.issuer="nobody"/>
                </Service></Server>
                """);

        assertThat(run("check", base.toString())).isEqualTo(Command.INCOMPLETE);

        assertThat(said())
                .contains("connector on port 443: no mistake in 1 keys")
                .contains("connector on port 444: onDemandTls.issuer");
        assertThat(said().lines()).hasSize(2);
    }

    @Test
    void relativePathsBeginAtTheBaseOfTheServer() throws Exception {
        write("names.txt", "shop.example.com\n");
        Path ini = write("start.d/ondemand-tls.ini", "onDemandTls.permission.ask.file=names.txt\n");
        write("ask.txt", "http://localhost:9123/check");
        Path other = write("elsewhere/keys.properties", "onDemandTls.permission.ask.file=ask.txt\n");

        assertThat(run("check", ini.toString())).isEqualTo(Command.INCOMPLETE);
        assertThat(run("check", other.toString(), "--base", base.toString()))
                .as(said())
                .isEqualTo(Command.DONE);
        assertThat(run("check", other.toString())).isEqualTo(Command.INCOMPLETE);
    }

    @Test
    void whatHoldsNoConfigurationOfOursFails() throws Exception {
        assertThat(run("check", write("conf/server.xml", "<Server/>").toString()))
                .isEqualTo(Command.FAILED);
        assertThat(said()).contains("there is no configuration of On-Demand TLS in ");
        assertThat(run("check", write("other/broken.xml", "<Server>").toString()))
                .isEqualTo(Command.FAILED);
        assertThat(said()).contains("is no XML that can be read");
        assertThat(run("check", base.resolve("nothing.ini").toString())).isEqualTo(Command.FAILED);
        assertThat(said()).contains("nothing.ini is not there");
        assertThat(run("check", Files.createDirectory(base.resolve("empty")).toString()))
                .isEqualTo(Command.FAILED);
    }

    private int run(String... line) {
        out.reset();
        PrintStream print = new PrintStream(out, true, StandardCharsets.UTF_8);
        return new Command(time.machine(), print, print).run(line);
    }

    private String said() {
        return out.toString(StandardCharsets.UTF_8);
    }

    private Path write(String name, String text) throws IOException {
        Path file = base.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, text);
    }
}
