import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/**
 * Visits {@code https://NAME:PORT/} on 127.0.0.1 and prints the certificate, or the alert that came instead.
 *
 * <p>Run as {@code java Visit.java ROOTS.pem PORT NAME}. The exit status is 0 after an answer, 1 after an alert, 2 after
 * any other failure, an untrusted certificate among them.
 */
final class Visit {

    private static final String ALERT = "fatal alert: ";

    public static void main(String[] arguments) throws Exception {
        Path roots = Path.of(arguments[0]);
        int port = Integer.parseInt(arguments[1]);
        String name = arguments[2];
        var factory = trusting(roots).getSocketFactory();
        long begin = System.nanoTime();
        try (var tcp = new Socket()) {
            tcp.setSoTimeout(40_000);
            tcp.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 5000);
            try (var socket = (SSLSocket) factory.createSocket(tcp, name, port, true)) {
                var parameters = socket.getSSLParameters();
                parameters.setServerNames(List.of(new SNIHostName(name)));
                parameters.setEndpointIdentificationAlgorithm("HTTPS");
                socket.setSSLParameters(parameters);
                socket.startHandshake();
                long took = (System.nanoTime() - begin) / 1_000_000;
                show((X509Certificate) socket.getSession().getPeerCertificates()[0]);
                socket.getOutputStream()
                        .write(("GET / HTTP/1.1\r\nHost: " + name + ":" + port + "\r\nConnection: close\r\n\r\n")
                                .getBytes(StandardCharsets.US_ASCII));
                String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                System.out.println("answer=" + answer.lines().findFirst().orElse("none"));
                System.out.println("took=" + took);
            }
        } catch (IOException failed) {
            String message = String.valueOf(failed.getMessage());
            int alert = message.indexOf(ALERT);
            System.out.println(
                    alert < 0 ? "failure=" + message : "alert=" + message.substring(alert + ALERT.length()));
            System.exit(alert < 0 ? 2 : 1);
        }
    }

    private static void show(X509Certificate leaf) throws Exception {
        // A CA may leave the subject empty; the names are in the extension.
        String subject = leaf.getSubjectX500Principal().getName();
        System.out.println("subject=" + (subject.isEmpty() ? "(empty)" : subject));
        System.out.println("names=" + leaf.getSubjectAlternativeNames().stream().map(entry -> String.valueOf(entry.get(1))).toList());
        System.out.println("issuer=" + leaf.getIssuerX500Principal().getName());
        System.out.println("until=" + leaf.getNotAfter().toInstant());
    }

    private static SSLContext trusting(Path roots) throws Exception {
        var trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        try (var pem = Files.newInputStream(roots)) {
            int index = 0;
            for (var root : CertificateFactory.getInstance("X.509").generateCertificates(pem)) {
                trusted.setCertificateEntry("root-" + index++, root);
            }
        }
        var managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(trusted);
        var context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        return context;
    }
}
