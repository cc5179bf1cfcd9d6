"""What the voices are asked to say: everyday sentences, twenty a language, without figures or names, so that an error
is the voice's or the listener's, not a matter of spelling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

SENTENCES: Final[Mapping[str, Sequence[str]]] = {
    "zh-TW": (
        "今天天氣真好，我們一起去公園走走吧。",
        "早上起床以後，我先喝一杯水，再去運動。",
        "這家咖啡店很安靜，很適合看書。",
        "請你把窗戶關起來，外面開始下雨了。",
        "他昨天忘記帶錢包，只好跟朋友借錢。",
        "我們坐火車去台北，大概需要兩個小時。",
        "媽媽每天晚上都會煮飯給我們吃。",
        "這個問題很重要，我們應該好好討論。",
        "學生們坐在教室裡，認真地聽老師上課。",
        "我不知道他什麼時候會回來。",
        "如果明天放假，我想去海邊玩。",
        "這部電影很有意思，你一定要看看。",
        "她買了一件新衣服，顏色非常漂亮。",
        "醫生說他需要多休息，不要太累。",
        "公司的會議從下午三點開始。",
        "我們的房子不大，可是住起來很舒服。",
        "請問，最近的車站要怎麼走？",
        "弟弟喜歡踢足球，妹妹喜歡畫畫。",
        "吃完晚飯以後，他們去外面散步。",
        "謝謝你的幫忙，沒有你我真的做不到。",
    ),
    "en-US": (
        "The weather is lovely today, so let us walk to the park.",
        "I drink a glass of water every morning before breakfast.",
        "This little coffee shop is quiet and perfect for reading.",
        "Please close the window, because it has started to rain.",
        "He forgot his wallet yesterday and had to borrow some money.",
        "The train to the city takes about two hours.",
        "My mother cooks dinner for the whole family.",
        "This question is important, and we should talk about it.",
        "The students sat in the classroom and listened carefully.",
        "I do not know when she will come back.",
        "If tomorrow is a holiday, I want to go to the beach.",
        "That film was very interesting, and you should see it.",
        "She bought a new dress in a beautiful color.",
        "The doctor told him to rest and not to work so hard.",
        "The meeting begins at three o'clock in the afternoon.",
        "Our house is small, but it is comfortable to live in.",
        "Excuse me, how do I get to the nearest station?",
        "My brother plays football, and my sister likes to paint.",
        "After dinner they went outside for a walk.",
        "Thank you for your help, I could not have done it without you.",
    ),
}
