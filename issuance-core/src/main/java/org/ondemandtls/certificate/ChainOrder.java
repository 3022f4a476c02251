package org.ondemandtls.certificate;

import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import javax.security.auth.x500.X500Principal;

/**
 * A chain as clients want it: the leaf, then each one's issuer, and nothing else. CAs and other programs also send roots,
 * duplicates, expired cross-signs, cross-signs that are no CA, or the certificates in another order.
 *
 * <p>Judges neither the leaf nor its issuer: {@link CertificateVerifier} does, by what is left.
 *
 * @param chain the leaf first
 * @param dropped what was left out and why, one entry each; empty where nothing was
 * @param moved whether the rest was in another order
 */
public record ChainOrder(List<X509Certificate> chain, List<String> dropped, boolean moved) {

    /** Joins chain and findings. */
    public ChainOrder {
        chain = List.copyOf(chain);
        dropped = List.copyOf(dropped);
    }

    /**
     * Puts what was sent in order, what could not be read left out.
     *
     * @param sent what a CA or a file holds
     * @param key the public key the leaf is for
     * @param now when it is to be served
     * @return the chain in order
     */
    public static ChainOrder of(Pem.SentChain sent, PublicKey key, Instant now) {
        return of(sent.certificates(), key, now).without(sent.unreadable());
    }

    /**
     * Puts what was sent in order.
     *
     * <p>The leaf's own issuer is kept even where it is a root: a private CA may have nothing else. Where the leaf or a
     * valid issuer is missing, everything stays as it is, so that the verifier says what is wrong. An issuer further up that
     * the verifier would refuse ends the chain before it: nobody needs it.
     *
     * <p><b>Cost.</b> At most a signature verification for each pair of certificates of which one names the other.
     *
     * @param sent what a CA, a store or a file holds
     * @param key the public key the leaf is for
     * @param now when it is to be served
     * @return the chain in order
     */
    public static ChainOrder of(List<X509Certificate> sent, PublicKey key, Instant now) {
        Optional<X509Certificate> leaf = sent.stream()
                .filter(each -> Arrays.equals(each.getPublicKey().getEncoded(), key.getEncoded()))
                .findFirst();
        if (leaf.isEmpty() || sent.size() > Pem.MAX_CERTIFICATES) {
            return new ChainOrder(sent, List.of(), false);
        }
        Set<X509Certificate> rest = new LinkedHashSet<>(sent);
        int duplicates = sent.size() - rest.size();
        rest.remove(leaf.get());
        List<X509Certificate> chain = new ArrayList<>(List.of(leaf.get()));
        Map<X509Certificate, String> objections = new HashMap<>();
        while (true) {
            X509Certificate last = chain.get(chain.size() - 1);
            int position = chain.size();
            List<X509Certificate> issuers = rest.stream()
                    .filter(each -> isValid(each, now) && (position == 1 || !isRoot(each)) && isIssuer(each, last))
                    .toList();
            Optional<X509Certificate> issuer = issuers.stream()
                    .filter(each -> isFit(each, position, objections))
                    .findFirst()
                    .or(() -> issuers.stream().filter(each -> position == 1).findFirst());
            if (issuer.isEmpty()) {
                break;
            }
            rest.remove(issuer.get());
            chain.add(issuer.get());
        }
        if (chain.size() == 1 && !rest.isEmpty()) {
            return new ChainOrder(sent, List.of(), false);
        }
        List<String> dropped = new ArrayList<>();
        rest.forEach(each -> dropped.add(objections.getOrDefault(each, word(each, now))));
        if (duplicates > 0) {
            dropped.add("a duplicate");
        }
        List<X509Certificate> kept =
                sent.stream().distinct().filter(chain::contains).toList();
        return new ChainOrder(chain, dropped, !kept.equals(chain));
    }

    /** The same without blocks that were no certificates. */
    private ChainOrder without(int unreadable) {
        if (unreadable == 0) {
            return this;
        }
        List<String> all = new ArrayList<>(dropped);
        all.add(unreadable == 1 ? "a block that cannot be read" : unreadable + " blocks that cannot be read");
        return new ChainOrder(chain, all, moved);
    }

    private static boolean isFit(X509Certificate issuer, int position, Map<X509Certificate, String> objections) {
        Optional<String> objection = CertificateVerifier.objection(issuer, position);
        objection.ifPresent(why -> objections.put(issuer, "a cross-sign that cannot be used (" + why + ")"));
        return objection.isEmpty();
    }

    /** Whether one of a chain was issued by whoever has this common name, whatever the case of its letters. */
    public static boolean leadsTo(List<X509Certificate> chain, String commonName) {
        return chain.stream().anyMatch(each -> commonName.equalsIgnoreCase(issuedBy(each)));
    }

    /** The common name of whoever issued the last of this chain, which clients have to trust; empty where it has none. */
    public String end() {
        return chain.isEmpty() ? "" : issuedBy(chain.get(chain.size() - 1));
    }

    private static String issuedBy(X509Certificate certificate) {
        return commonName(certificate.getIssuerX500Principal());
    }

    private static String commonName(X500Principal principal) {
        try {
            for (Rdn rdn : new LdapName(principal.getName()).getRdns()) {
                if (rdn.getType().equalsIgnoreCase("CN")) {
                    return String.valueOf(rdn.getValue());
                }
            }
        } catch (InvalidNameException e) {
            return "";
        }
        return "";
    }

    /** What was done, for a log; empty where nothing was. */
    public Optional<String> remark() {
        if (dropped.isEmpty() && !moved) {
            return Optional.empty();
        }
        String left = dropped.isEmpty() ? "" : "left out " + String.join(", ", dropped);
        String order = moved ? "put the certificates in order" : "";
        return Optional.of(left + (left.isEmpty() || order.isEmpty() ? "" : "; ") + order);
    }

    private static String word(X509Certificate certificate, Instant now) {
        if (!isValid(certificate, now)) {
            return "an issuer that is not valid now";
        }
        return isRoot(certificate) ? "a root" : "a certificate that belongs to no other one";
    }

    private static boolean isValid(X509Certificate certificate, Instant now) {
        return !certificate.getNotBefore().toInstant().isAfter(now.plus(CertificateVerifier.CLOCK_SKEW))
                && !now.isAfter(certificate.getNotAfter().toInstant());
    }

    private static boolean isRoot(X509Certificate certificate) {
        return certificate.getSubjectX500Principal().equals(certificate.getIssuerX500Principal());
    }

    private static boolean isIssuer(X509Certificate issuer, X509Certificate issued) {
        if (!issued.getIssuerX500Principal().equals(issuer.getSubjectX500Principal())) {
            return false;
        }
        try {
            issued.verify(issuer.getPublicKey());
            return true;
        } catch (GeneralSecurityException | RuntimeException e) {
            return false;
        }
    }
}
