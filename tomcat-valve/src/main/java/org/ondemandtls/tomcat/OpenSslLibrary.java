package org.ondemandtls.tomcat;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import javax.net.ssl.SSLSessionContext;
import org.apache.catalina.util.ServerInfo;
import org.apache.tomcat.util.net.SSLContext;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;
import org.apache.tomcat.util.res.StringManager;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.StartException;
import org.ondemandtls.config.ConfigKey;

/**
 * All that is known of Tomcat's classes for OpenSSL, which are made for a later Java than this one and may not be there.
 *
 * <p><b>Threads.</b> Any.
 */
final class OpenSslLibrary {

    private static final StringManager sm = StringManager.getManager(OpenSslLibrary.class);
    private static final String PLACE = "org.apache.tomcat.util.net.openssl.panama.";
    private static final int OLDEST_JAVA = 22;

    /** How long a key of session tickets is: its name, a key to sign with, and one to encrypt with. */
    static final int TICKET_KEY_OCTETS = 80;

    // Loaded once; whoever loads it at the same time gets one that is as good.
    private static volatile @Nullable OpenSslLibrary known;

    private final Constructor<?> contexts;
    private final Method ticketKeys;
    private final Set<String> protocols;
    private final Set<String> ciphers;

    private OpenSslLibrary() throws ReflectiveOperationException {
        Class.forName(PLACE + "OpenSSLLibrary").getMethod("init").invoke(null);
        contexts = Class.forName(PLACE + "OpenSSLContext").getConstructor(SSLHostConfigCertificate.class, List.class);
        ticketKeys = Class.forName(PLACE + "OpenSSLSessionContext").getMethod("setTicketKeys", byte[].class);
        Class<?> engine = Class.forName(PLACE + "OpenSSLEngine");
        protocols = words(engine, "IMPLEMENTED_PROTOCOLS_SET");
        ciphers = words(engine, "AVAILABLE_CIPHER_SUITES");
    }

    /**
     * Loads it the first time; that takes a part of a second.
     *
     * @throws StartException if it cannot be used here; in one line that names the key and says what to do
     */
    static void load() throws StartException {
        if (known != null) {
            return;
        }
        requireJava(Runtime.version().feature());
        TomcatFloor.requireForOpenSsl(ServerInfo.getServerNumber());
        try {
            OpenSslLibrary loaded = new OpenSslLibrary();
            // A class that the oldest Tomcat that is supported has not.
            Object available = Class.forName("org.apache.tomcat.util.net.openssl.OpenSSLStatus")
                    .getMethod("isAvailable")
                    .invoke(null);
            if (!Boolean.TRUE.equals(available)) {
                throw unusable("openSslLibrary.off");
            }
            known = loaded;
        } catch (ClassNotFoundException missing) {
            throw unusable("openSslLibrary.noJar");
        } catch (ReflectiveOperationException | RuntimeException | LinkageError unloadable) {
            throw unusable("openSslLibrary.noLibrary", reason(unloadable));
        }
    }

    /** What has been loaded. */
    static OpenSslLibrary loaded() {
        OpenSslLibrary loaded = known;
        if (loaded == null) {
            throw new IllegalStateException("OpenSSL is not loaded");
        }
        return loaded;
    }

    /** Refuses a Java without what Tomcat's classes call native code by. */
    static void requireJava(int feature) throws StartException {
        if (feature < OLDEST_JAVA) {
            throw unusable("openSslLibrary.oldJava", Integer.toString(feature));
        }
    }

    /** What an operator reads of something that is in the way of OpenSSL, in one line. */
    static StartException unusable(String key, String... values) {
        return new StartException(sm.getString("openSslLibrary.unusable", ConfigKey.TLS_PROVIDER)
                + " "
                + sm.getString(key, (Object[]) values));
    }

    /** Which protocols there are, as Java calls them. */
    Set<String> protocols() {
        return protocols;
    }

    /** Which ciphers there are, as Java calls them. */
    Set<String> ciphers() {
        return ciphers;
    }

    /**
     * A context, not initialised. What is native goes with the object.
     *
     * @param certificate has the host configuration; the certificate itself comes with the key managers
     * @param negotiableProtocols what is agreed on by ALPN
     */
    SSLContext context(SSLHostConfigCertificate certificate, List<String> negotiableProtocols) {
        try {
            return (SSLContext) contexts.newInstance(certificate, negotiableProtocols);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("OpenSSL makes no TLS context: " + reason(e), e);
        }
    }

    /**
     * Has tickets of a context encrypted by a key, and no others accepted. A Tomcat that takes keys of another length only
     * leaves the context with keys of its own.
     *
     * @param sessions of a context that {@link #context} made
     * @param key of {@link #TICKET_KEY_OCTETS}
     */
    void encryptTickets(SSLSessionContext sessions, byte[] key) {
        try {
            ticketKeys.invoke(sessions, (Object) key);
        } catch (InvocationTargetException refused) {
            if (!(refused.getCause() instanceof IllegalArgumentException)) {
                throw new IllegalStateException("OpenSSL takes no key of tickets: " + reason(refused), refused);
            }
        } catch (IllegalAccessException e) {
            throw new IllegalStateException("OpenSSL takes no key of tickets: " + reason(e), e);
        }
    }

    private static Set<String> words(Class<?> type, String field) throws ReflectiveOperationException {
        Set<String> words = new HashSet<>();
        for (Object word : (Set<?>) type.getField(field).get(null)) {
            words.add(String.valueOf(word));
        }
        return Set.copyOf(words);
    }

    // The first that says more than that something else went wrong.
    private static String reason(Throwable thrown) {
        Throwable reason = thrown;
        while (reason.getCause() != null
                && (reason instanceof InvocationTargetException || reason instanceof ExceptionInInitializerError)) {
            reason = reason.getCause();
        }
        String message = reason.getMessage();
        return message == null
                ? reason.getClass().getSimpleName()
                : message.lines().findFirst().orElse("");
    }
}
