package org.ondemandtls.certificate;

import java.net.URI;
import java.net.URISyntaxException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.x509.CRLDistPoint;
import org.bouncycastle.asn1.x509.DistributionPoint;
import org.bouncycastle.asn1.x509.DistributionPointName;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.jspecify.annotations.Nullable;

/** What a leaf says in extensions that the JDK does not read. What cannot be read is taken as not said. */
public final class LeafExtensions {

    private static final String TLS_FEATURE = "1.3.6.1.5.5.7.1.24";
    private static final String CRL_DISTRIBUTION_POINTS = "2.5.29.31";
    private static final int STATUS_REQUEST = 5;

    private LeafExtensions() {}

    /** Whether a leaf demands that its server staples an OCSP answer (RFC 7633). */
    static boolean demandsStapling(X509Certificate leaf) {
        ASN1Primitive features = extension(leaf, TLS_FEATURE);
        if (!(features instanceof ASN1Sequence sequence)) {
            return false;
        }
        for (ASN1Encodable feature : sequence) {
            if (feature.toASN1Primitive() instanceof ASN1Integer number && number.hasValue(STATUS_REQUEST)) {
                return true;
            }
        }
        return false;
    }

    /** Where the CA publishes what it has revoked (RFC 5280 section 4.2.1.13): the http URLs, in the leaf's order. */
    public static List<URI> revocationLists(X509Certificate leaf) {
        List<URI> found = new ArrayList<>();
        try {
            ASN1Primitive points = extension(leaf, CRL_DISTRIBUTION_POINTS);
            if (points == null) {
                return found;
            }
            for (DistributionPoint point : CRLDistPoint.getInstance(points).getDistributionPoints()) {
                DistributionPointName name = point.getDistributionPoint();
                // A list of some reasons, or of another issuer, does not say all.
                if (name != null
                        && name.getType() == DistributionPointName.FULL_NAME
                        && point.getReasons() == null
                        && point.getCRLIssuer() == null) {
                    addUrls(GeneralNames.getInstance(name.getName()), found);
                }
            }
        } catch (IllegalArgumentException e) {
            found.clear();
        }
        return found;
    }

    private static void addUrls(GeneralNames names, List<URI> found) {
        for (GeneralName name : names.getNames()) {
            if (name.getTagNo() == GeneralName.uniformResourceIdentifier) {
                url(name.getName().toString()).ifPresent(found::add);
            }
        }
    }

    // Beside it there may be others: LDAP URLs are often written with blanks.
    private static Optional<URI> url(String text) {
        try {
            URI url = new URI(text);
            return "http".equalsIgnoreCase(url.getScheme()) && url.getHost() != null
                    ? Optional.of(url)
                    : Optional.empty();
        } catch (URISyntaxException e) {
            return Optional.empty();
        }
    }

    private static @Nullable ASN1Primitive extension(X509Certificate leaf, String oid) {
        byte[] value = leaf.getExtensionValue(oid);
        try {
            return value == null
                    ? null
                    : ASN1Primitive.fromByteArray(
                            ASN1OctetString.getInstance(value).getOctets());
        } catch (java.io.IOException | IllegalArgumentException | ClassCastException e) {
            return null;
        }
    }
}
