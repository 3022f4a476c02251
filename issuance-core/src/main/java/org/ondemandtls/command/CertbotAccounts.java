package org.ondemandtls.command;

import java.io.IOException;
import java.math.BigInteger;
import java.net.URI;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPrivateKeySpec;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.RSAPrivateCrtKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ondemandtls.certificate.KeyPairs;

/**
 * The accounts in certbot's configuration directory: {@code accounts/HOST/PATH/ID/private_key.json}, a JWK (RFC 7517), with
 * {@code regr.json} beside it; host and path are those of the CA's directory URL. Of several with one CA those come first
 * that lineages are renewed by ({@code renewal/LINEAGE.conf}).
 */
final class CertbotAccounts {

    private static final Pattern URL = Pattern.compile("\"uri\"\\s*:\\s*\"(https://[^\"\\\\\\s]{1,500})\"");
    private static final Pattern ACCOUNT = Pattern.compile("(?m)^\\s*account\\s*=\\s*(\\S{1,100})\\s*$");
    // A protocol that is no more; certbot has a link from the new server's folder to it.
    private static final String OLD = "acme-v01.";
    private static final String KEY = "/private_key.json";
    private static final int DEEPEST = 6;
    private static final Map<String, String> CURVES = Map.of("P-256", "secp256r1", "P-384", "secp384r1");

    private final KeptFiles files;
    private final String top;
    private final String renewal;

    /**
     * Reads nothing yet.
     *
     * @param files certbot's directory, or its {@code live}
     * @param below whether it is {@code live}, beside which they are
     */
    CertbotAccounts(KeptFiles files, boolean below) {
        this.files = files;
        this.top = below ? "../accounts" : "accounts";
        this.renewal = below ? "../renewal" : "renewal";
    }

    static boolean isAny(KeptFiles files) throws IOException {
        return !new CertbotAccounts(files, false).found().isEmpty();
    }

    /** Tells of each. */
    void visit(ForeignStorage.Visitor visitor) throws IOException {
        List<String> lineages = lineages();
        List<String> used = lineages.stream()
                .map(ACCOUNT::matcher)
                .filter(Matcher::find)
                .map(account -> account.group(1))
                .toList();
        List<String> accounts = new ArrayList<>(found());
        accounts.sort(Comparator.comparingInt(account -> -Collections.frequency(used, id(account))));
        for (String account : accounts) {
            String where = files.place(account);
            Optional<URI> directory = FoundAccount.https(
                            "https://" + account.substring(top.length() + 1, account.lastIndexOf('/')))
                    .map(url -> asWritten(url, lineages));
            if (directory.isEmpty()) {
                visitor.passedOver(where, FoundAccount.NO_DIRECTORY);
                continue;
            }
            FoundAccount found;
            try {
                KeyPair key = key(files.text(account + KEY));
                String about = files.isFile(account + "/regr.json") ? files.text(account + "/regr.json") : "";
                Matcher url = URL.matcher(about);
                found = FoundAccount.of(
                        directory.get(), key, url.find() ? Optional.of(url.group(1)) : Optional.empty());
            } catch (GeneralSecurityException | IllegalArgumentException e) {
                visitor.passedOver(where, "the key of the account cannot be used: " + e.getMessage());
                continue;
            } catch (IOException e) {
                visitor.passedOver(where, FileTrouble.inWords(e));
                continue;
            }
            visitor.account(found, where);
        }
    }

    private static String id(String account) {
        return account.substring(account.lastIndexOf('/') + 1);
    }

    // A slash at its end is lost in the name of a folder.
    private static URI asWritten(URI directory, List<String> lineages) {
        return lineages.stream()
                .map(CertbotStorage::server)
                .flatMap(Optional::stream)
                .filter(server -> server.equals(directory + "/"))
                .findFirst()
                .flatMap(FoundAccount::https)
                .orElse(directory);
    }

    private List<String> lineages() throws IOException {
        List<String> texts = new ArrayList<>();
        for (String lineage : files.names(renewal, ".conf")) {
            try {
                texts.add(files.text(renewal + '/' + lineage + ".conf"));
            } catch (IOException unreadable) {
                // Then nobody knows what it uses.
            }
        }
        return texts;
    }

    private List<String> found() throws IOException {
        List<String> found = new ArrayList<>();
        for (String host : files.directories(top)) {
            if (!host.startsWith(OLD)) {
                look(top + '/' + host, DEEPEST, found);
            }
        }
        return found;
    }

    private void look(String folder, int depth, List<String> found) throws IOException {
        for (String name : files.directories(folder)) {
            String inside = folder + '/' + name;
            if (files.isFile(inside + KEY)) {
                found.add(inside);
            } else if (depth > 0) {
                look(inside, depth - 1, found);
            }
        }
    }

    private static KeyPair key(String jwk) throws GeneralSecurityException {
        String type = text(jwk, "kty");
        if (type.equals("RSA")) {
            return KeyPairs.pair(KeyFactory.getInstance("RSA")
                    .generatePrivate(new RSAPrivateCrtKeySpec(
                            number(jwk, "n"),
                            number(jwk, "e"),
                            number(jwk, "d"),
                            number(jwk, "p"),
                            number(jwk, "q"),
                            number(jwk, "dp"),
                            number(jwk, "dq"),
                            number(jwk, "qi"))));
        }
        String curve = CURVES.get(type.equals("EC") ? text(jwk, "crv") : "");
        if (curve == null) {
            throw new InvalidKeySpecException("it is neither RSA nor on P-256 nor on P-384");
        }
        AlgorithmParameters parameters = AlgorithmParameters.getInstance("EC");
        parameters.init(new ECGenParameterSpec(curve));
        return KeyPairs.pair(KeyFactory.getInstance("EC")
                .generatePrivate(
                        new ECPrivateKeySpec(number(jwk, "d"), parameters.getParameterSpec(ECParameterSpec.class))));
    }

    private static BigInteger number(String jwk, String member) throws InvalidKeySpecException {
        return new BigInteger(1, Base64.getUrlDecoder().decode(text(jwk, member)));
    }

    private static String text(String jwk, String member) throws InvalidKeySpecException {
        Matcher value = Pattern.compile("\"" + member + "\"\\s*:\\s*\"([A-Za-z0-9_=-]{1,5000})\"")
                .matcher(jwk);
        if (!value.find()) {
            throw new InvalidKeySpecException("it lacks \"" + member + "\"");
        }
        return value.group(1);
    }
}
