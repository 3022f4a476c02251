package org.ondemandtls.authority;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509ExtensionUtils;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.ondemandtls.certificate.InvalidPemException;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.KeyPairs;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.name.ServerName;

/**
 * The CA embedded in the engine, for development and private networks: a root of its own that signs leaves directly.
 *
 * <p>The root is made once and never replaced, since somebody trusts it by hand. Signing costs about a millisecond and
 * asks nobody; an order left open is simply signed again.
 */
public final class InternalAuthority implements Authority {

    /** Where the root certificate is kept; what an operator has clients trust. */
    public static final String ROOT_CERTIFICATE = "internal-ca/root.pem";

    /** Where the root's private key is kept. */
    public static final String ROOT_KEY = "internal-ca/root.key";

    private static final Duration ROOT_LIFETIME = Duration.ofDays(3652);
    private static final Duration LEAF_LIFETIME = Duration.ofDays(30);
    private static final Duration BACKDATED = Duration.ofMinutes(5);
    private static final Duration RETRY = Duration.ofMinutes(1);
    private static final int SERIAL_BITS = 128;

    private final PrivateKey rootKey;
    private final X509Certificate root;
    private final Clock clock;
    private final SecureRandom random;

    private InternalAuthority(PrivateKey rootKey, X509Certificate root, Clock clock, SecureRandom random) {
        this.rootKey = rootKey;
        this.root = root;
        this.clock = clock;
        this.random = random;
    }

    /**
     * Opens the CA that {@code files} hold, or makes it where they hold none.
     *
     * @param files where the root is kept
     * @param clock tells the time certificates begin at
     * @param events told when a root was made
     * @return the CA
     * @throws IOException if the root cannot be read, written or used any more, in one line that says what to do
     */
    public static InternalAuthority open(SecretFiles files, Clock clock, Events events) throws IOException {
        SecureRandom random = new SecureRandom();
        Optional<byte[]> storedKey = files.read(ROOT_KEY);
        Optional<byte[]> storedRoot = files.read(ROOT_CERTIFICATE);
        if (storedRoot.isPresent()) {
            PrivateKey key = readKey(storedKey.orElseThrow(() -> new IOException(ROOT_KEY
                    + " is missing: restore it, or remove " + ROOT_CERTIFICATE + " as well to get a new root")));
            X509Certificate root = readRoot(storedRoot.get(), key, clock.instant());
            return new InternalAuthority(key, root, clock, random);
        }
        // A key alone is what a crash between the two writes leaves: nobody trusts a root made with it yet.
        PrivateKey key;
        PublicKey publicKey;
        if (storedKey.isPresent()) {
            key = readKey(storedKey.get());
            publicKey = publicKeyOf(key);
        } else {
            byte[] made = Pem.privateKey(KeyPairs.generate(KeyType.P_256).getPrivate())
                    .getBytes(StandardCharsets.US_ASCII);
            key = readKey(files.writeFirst(ROOT_KEY, made, true));
            publicKey = publicKeyOf(key);
        }
        X509Certificate made = makeRoot(key, publicKey, clock.instant(), random);
        byte[] first = files.writeFirst(
                ROOT_CERTIFICATE, Pem.certificates(List.of(made)).getBytes(StandardCharsets.US_ASCII), false);
        X509Certificate root = readRoot(first, key, clock.instant());
        events.publish(
                EventKind.STARTED,
                "made the root of the internal CA, to be trusted by clients: " + ROOT_CERTIFICATE + " in the store");
        return new InternalAuthority(key, root, clock, random);
    }

    @Override
    public String id() {
        return "internal";
    }

    /** Signs once for nobody, so that the first handshake does not wait for classes to be loaded. */
    @Override
    public void prepare() {
        Instant now = clock.instant();
        if (!now.isAfter(root.getNotAfter().toInstant())) {
            leaf(ServerName.parse("warm-up.invalid"), root.getPublicKey(), now);
        }
    }

    /**
     * Signs a leaf.
     *
     * @return the leaf alone: its issuer is the root, which clients have or have not
     * @throws IssuanceException.Unavailable if the root has expired
     */
    @Override
    public List<X509Certificate> sign(Order order, Journal journal) throws IssuanceException {
        Instant now = clock.instant();
        Instant end = root.getNotAfter().toInstant();
        if (now.isAfter(end)) {
            throw new IssuanceException.Unavailable(
                    order.name(),
                    "the root of the internal CA was valid until " + end + ": remove " + ROOT_CERTIFICATE + " and "
                            + ROOT_KEY + ", restart, and have clients trust the new root",
                    RETRY,
                    null);
        }
        return List.of(leaf(order.name(), order.key().getPublic(), now));
    }

    /** Gives none: nobody knows better than the renewal's own rule. */
    @Override
    public Optional<RenewalAdvice> renewalAdvice(X509Certificate leaf) {
        return Optional.empty();
    }

    @Override
    public boolean honoursReplaces() {
        return false;
    }

    /** Has nothing to end. */
    @Override
    public void close() {}

    /** The certificate clients have to trust. */
    public X509Certificate root() {
        return root;
    }

    private X509Certificate leaf(ServerName name, PublicKey key, Instant now) {
        Instant end = now.plus(LEAF_LIFETIME);
        Instant rootEnd = root.getNotAfter().toInstant();
        try {
            SubjectPublicKeyInfo subjectKey = SubjectPublicKeyInfo.getInstance(key.getEncoded());
            X509ExtensionUtils extensions = new JcaX509ExtensionUtils();
            X509v3CertificateBuilder builder = new X509v3CertificateBuilder(
                            X500Name.getInstance(root.getSubjectX500Principal().getEncoded()),
                            serial(random),
                            Date.from(now.minus(BACKDATED)),
                            Date.from(end.isBefore(rootEnd) ? end : rootEnd),
                            new X500Name(new RDN[0]),
                            subjectKey)
                    // Critical, because there is no subject (RFC 5280 section 4.2.1.6).
                    .addExtension(
                            Extension.subjectAlternativeName,
                            true,
                            new GeneralNames(new GeneralName(GeneralName.dNSName, name.value())))
                    .addExtension(Extension.basicConstraints, true, new BasicConstraints(false))
                    .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature))
                    .addExtension(
                            Extension.extendedKeyUsage, false, new ExtendedKeyUsage(KeyPurposeId.id_kp_serverAuth))
                    .addExtension(
                            Extension.subjectKeyIdentifier, false, extensions.createSubjectKeyIdentifier(subjectKey))
                    .addExtension(
                            Extension.authorityKeyIdentifier,
                            false,
                            extensions.createAuthorityKeyIdentifier(SubjectPublicKeyInfo.getInstance(
                                    root.getPublicKey().getEncoded())));
            return signed(builder, rootKey, root.getPublicKey());
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalStateException("this JDK cannot make a certificate", e);
        }
    }

    private static X509Certificate makeRoot(PrivateKey key, PublicKey publicKey, Instant now, SecureRandom random) {
        byte[] id = new byte[4];
        random.nextBytes(id);
        X500Name subject =
                new X500Name("CN=On-Demand TLS internal CA " + HexFormat.of().formatHex(id));
        try {
            SubjectPublicKeyInfo keyInfo = SubjectPublicKeyInfo.getInstance(publicKey.getEncoded());
            X509v3CertificateBuilder builder = new X509v3CertificateBuilder(
                            subject,
                            serial(random),
                            Date.from(now.minus(BACKDATED)),
                            Date.from(now.plus(ROOT_LIFETIME)),
                            subject,
                            keyInfo)
                    .addExtension(Extension.basicConstraints, true, new BasicConstraints(0))
                    .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign))
                    .addExtension(
                            Extension.subjectKeyIdentifier,
                            false,
                            new JcaX509ExtensionUtils().createSubjectKeyIdentifier(keyInfo));
            return signed(builder, key, publicKey);
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalStateException("this JDK cannot make a certificate", e);
        }
    }

    private static X509Certificate signed(X509v3CertificateBuilder builder, PrivateKey key, PublicKey publicKey)
            throws IOException, CertificateException {
        try {
            byte[] der = builder.build(new JcaContentSignerBuilder(KeyPairs.signatureAlgorithm(publicKey)).build(key))
                    .getEncoded();
            return (X509Certificate)
                    CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
        } catch (OperatorCreationException e) {
            throw new CertificateException(e);
        }
    }

    private static BigInteger serial(SecureRandom random) {
        // A serial number is positive (RFC 5280 section 4.1.2.2).
        return new BigInteger(SERIAL_BITS, random).setBit(SERIAL_BITS - 1);
    }

    private static PrivateKey readKey(byte[] content) throws IOException {
        try {
            return Pem.readPrivateKey(new String(content, StandardCharsets.US_ASCII));
        } catch (InvalidPemException e) {
            throw new IOException(
                    ROOT_KEY + " cannot be used (" + e.getMessage() + "): restore it, or remove it and "
                            + ROOT_CERTIFICATE + " to get a new root",
                    e);
        }
    }

    private static X509Certificate readRoot(byte[] content, PrivateKey key, Instant now) throws IOException {
        String remedy = ": restore it, or remove it and " + ROOT_KEY + " to get a new root";
        X509Certificate root;
        try {
            List<X509Certificate> certificates = Pem.readCertificates(new String(content, StandardCharsets.US_ASCII));
            if (certificates.size() != 1) {
                throw new IOException(ROOT_CERTIFICATE + " holds more than the root" + remedy);
            }
            root = certificates.get(0);
        } catch (InvalidPemException e) {
            throw new IOException(ROOT_CERTIFICATE + " cannot be used (" + e.getMessage() + ")" + remedy, e);
        }
        if (!KeyPairs.belongTogether(key, root.getPublicKey())) {
            throw new IOException(ROOT_CERTIFICATE + " does not belong to " + ROOT_KEY + remedy);
        }
        if (root.getBasicConstraints() < 0) {
            throw new IOException(ROOT_CERTIFICATE + " is no CA" + remedy);
        }
        Instant end = root.getNotAfter().toInstant();
        if (now.isAfter(end)) {
            throw new IOException(ROOT_CERTIFICATE + " was valid until " + end + remedy);
        }
        return root;
    }

    private static PublicKey publicKeyOf(PrivateKey key) throws IOException {
        try {
            return KeyPairs.pair(key).getPublic();
        } catch (InvalidKeyException e) {
            throw new IOException(
                    ROOT_KEY + " cannot be used (" + e.getMessage() + "): remove it to get a new root", e);
        }
    }
}
