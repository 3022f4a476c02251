package org.ondemandtls.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.jose4j.json.JsonUtil;
import org.jose4j.lang.JoseException;

/** A real headless Chromium whose page a test clicks through, by the browser's own DevTools protocol. */
public final class Browser implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final BackgroundProcess process;
    private final WebSocket socket;
    private final AtomicInteger numbers = new AtomicInteger();
    private final Map<Integer, CompletableFuture<String>> answers = new ConcurrentHashMap<>();
    private final StringBuilder message = new StringBuilder();
    private volatile String group = "";

    private Browser(BackgroundProcess process, URI page) {
        this.process = process;
        this.socket = HttpClient.newHttpClient()
                .newWebSocketBuilder()
                .buildAsync(page, new WebSocket.Listener() {
                    @Override
                    public CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
                        message.append(data);
                        if (last) {
                            String whole = message.toString();
                            message.setLength(0);
                            heard(whole);
                        }
                        webSocket.request(1);
                        return null;
                    }
                })
                .join();
    }

    /**
     * Starts one that sends a user's credentials with every request and says yes to every question.
     *
     * @param home becomes its home directory
     * @param user the user
     * @param options further words of its command line
     */
    public static Browser start(Path home, String user, String... options) throws Exception {
        Path profile = Files.createDirectories(home.resolve("profile"));
        List<String> command = new ArrayList<>(List.of(
                "/usr/bin/env",
                "HOME=" + home,
                Tools.onPath("chromium", "apt-get install chromium").toString(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--no-proxy-server",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--remote-debugging-port=0",
                "--user-data-dir=" + profile));
        command.addAll(List.of(options));
        command.add("about:blank");
        BackgroundProcess process = BackgroundProcess.start(command, home, Map.of(), home.resolve("browser.log"));
        Path port = profile.resolve("DevToolsActivePort");
        process.await("open its port", () -> port.toFile().length() > 8, PATIENCE);
        URI list = URI.create("http://127.0.0.1:" + Files.readAllLines(port).get(0) + "/json/list");
        String targets = HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(list).build(), HttpResponse.BodyHandlers.ofString())
                .body();
        Map<?, ?> page = (Map<?, ?>) ((List<?>)
                        JsonUtil.parseJson("{\"all\":" + targets + "}").get("all"))
                .stream()
                        .filter(target -> "page".equals(((Map<?, ?>) target).get("type")))
                        .findFirst()
                        .orElseThrow();
        Browser browser = new Browser(process, URI.create(String.valueOf(page.get("webSocketDebuggerUrl"))));
        browser.tell("Page.enable", "{}");
        browser.tell("Network.enable", "{}");
        String credentials = Base64.getEncoder().encodeToString((user + ":secret").getBytes(UTF_8));
        browser.tell("Network.setExtraHTTPHeaders", "{\"headers\":{\"Authorization\":\"Basic " + credentials + "\"}}");
        return browser;
    }

    /** Goes to a page. */
    public void open(String url) throws Exception {
        tell("Page.navigate", "{\"url\":\"" + url + "\"}");
        await("document.readyState === 'complete' && location.href !== 'about:blank'");
    }

    /** The key exchange that the last answer came over, by its name in TLS; empty before there is an answer over TLS. */
    public String keyExchangeGroup() {
        return group;
    }

    /** Chooses between the page's dark and light looks. */
    public void colours(String scheme) throws Exception {
        tell(
                "Emulation.setEmulatedMedia",
                "{\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"" + scheme + "\"}]}");
    }

    /** Becomes as large as a screen. */
    public void size(int width, int height) throws Exception {
        tell(
                "Emulation.setDeviceMetricsOverride",
                "{\"width\":" + width + ",\"height\":" + height + ",\"deviceScaleFactor\":1,\"mobile\":false}");
    }

    /** What an expression of the page is, as text. */
    public String evaluate(String expression) throws Exception {
        String answer = tell(
                "Runtime.evaluate",
                "{\"awaitPromise\":true,\"returnByValue\":true,\"expression\":"
                        + JsonUtil.toJson(Map.of("e", "(async () => String(await (" + expression + ")))()"))
                                .replaceFirst("^\\{\"e\":", "")
                                .replaceFirst("}$", "")
                        + "}");
        Map<?, ?> result = (Map<?, ?>) JsonUtil.parseJson(answer).get("result");
        if (result.containsKey("exceptionDetails")) {
            throw new AssertionError(expression + ": " + result);
        }
        return String.valueOf(((Map<?, ?>) result.get("result")).get("value"));
    }

    /** Waits until an expression of the page is true. */
    public void await(String expression) {
        Awaitility.await()
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(200))
                .ignoreExceptions()
                .until(() -> evaluate(expression).equals("true"));
    }

    /** Clicks at what a selector finds. */
    public void click(String selector) throws Exception {
        evaluate("document.querySelector(\"" + selector + "\").click()");
    }

    /** Presses a key, as a keyboard does. */
    public void press(String key, int code, String text) throws Exception {
        String common = "\"key\":\"" + key + "\",\"code\":\"" + key + "\",\"windowsVirtualKeyCode\":" + code;
        tell(
                "Input.dispatchKeyEvent",
                "{\"type\":\"keyDown\"," + common + (text.isEmpty() ? "" : ",\"text\":\"" + text + "\"") + "}");
        tell("Input.dispatchKeyEvent", "{\"type\":\"keyUp\"," + common + "}");
    }

    /** Types text where the focus is. */
    public void type(String text) throws Exception {
        tell("Input.insertText", "{\"text\":\"" + text + "\"}");
    }

    /** Keeps what is seen. */
    public void screenshot(Path file) throws Exception {
        Map<?, ?> result =
                (Map<?, ?>) JsonUtil.parseJson(tell("Page.captureScreenshot", "{\"captureBeyondViewport\":true}"))
                        .get("result");
        Files.createDirectories(file.toAbsolutePath().getParent());
        Files.write(file, Base64.getDecoder().decode(String.valueOf(result.get("data"))));
    }

    @Override
    public void close() {
        socket.abort();
        process.close();
    }

    private String tell(String method, String parameters) throws Exception {
        int number = numbers.incrementAndGet();
        CompletableFuture<String> answer = new CompletableFuture<>();
        answers.put(number, answer);
        // The socket sends one message at a time and refuses another.
        synchronized (socket) {
            socket.sendText("{\"id\":" + number + ",\"method\":\"" + method + "\",\"params\":" + parameters + "}", true)
                    .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        }
        return answer.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    private void sayYes() {
        try {
            tell("Page.handleJavaScriptDialog", "{\"accept\":true}");
        } catch (Exception e) {
            throw new IllegalStateException("the question of a page was not answered", e);
        }
    }

    private void heard(String text) {
        try {
            Map<String, Object> parsed = JsonUtil.parseJson(text);
            if (parsed.get("id") instanceof Number number) {
                CompletableFuture<String> asked = answers.remove(number.intValue());
                if (asked != null) {
                    asked.complete(text);
                }
            } else if ("Network.responseReceived".equals(parsed.get("method"))) {
                Map<?, ?> response = (Map<?, ?>) ((Map<?, ?>) parsed.get("params")).get("response");
                if (response.get("securityDetails") instanceof Map<?, ?> details) {
                    group = String.valueOf(details.get("keyExchangeGroup"));
                }
            } else if ("Page.javascriptDialogOpening".equals(parsed.get("method"))) {
                // Not on this thread, which hears what is waited for; and behind what is being sent.
                Thread yes = new Thread(this::sayYes, "browser-dialog");
                yes.setDaemon(true);
                yes.start();
            }
        } catch (JoseException e) {
            throw new IllegalStateException(e);
        }
    }
}
